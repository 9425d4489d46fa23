"""Look inside a trained model, and change one thing in it.

What a reader can do here: ask which single units carry a property (`probe`), take units away (`silence`),
fix a gate of some units (`pin`), use other weights or another cell at some steps only (`patch`), and change
the state between two steps (`rewrite`). All of them leave the model as it was.

A probe shows that something *can be read off* a unit, not that the network reads it there. So each finding of
a probe is put to the test by an intervention: take the unit away, or give it another value, and see which
answers change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..checks import array, at_least, finite, function, given, instance, listed, numbers, real, text
from ..errors import ShapeError, UnknownNameError, nearest

__all__ = ["Probe", "patch", "pin", "probe", "rewrite", "silence"]


def a_model(name: str, value: Any) -> Any:
    """A Model."""
    from .model import Model

    return instance(name, value, Model, "lstmcourse.Model(cell, task)")


def a_change(name: str, value: Any) -> Callable:
    """What `rewrite` calls."""
    return function(name, value, "from states by name to states by name")


Units = int | Sequence[int] | np.ndarray


@dataclass(frozen=True, eq=False)
class Probe:
    """For each unit, the threshold that tells two classes apart best.

    Attributes
    ----------
    threshold : ndarray (H,)
        Where the classes part.
    above : ndarray (H,) bool
        Whether values above the threshold mean True.
    accuracy : ndarray (H,)
        Share told right where the probe was fitted, both classes weighing alike: 0.5 is chance.
    """

    threshold: np.ndarray
    above: np.ndarray
    accuracy: np.ndarray

    def score(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return, for each unit, the share told right on other data, both classes weighing alike, (H,)."""
        values, labels = _examples(values, labels)
        if values.shape[1:] != self.threshold.shape:
            raise ShapeError(f"values has shape {values.shape}; the probe is of {len(self.threshold)} units")
        said = (values > self.threshold) == self.above
        return (said[labels].mean(axis=0) + (~said[~labels]).mean(axis=0)) / 2

    @property
    def order(self) -> np.ndarray:
        """The units, the best first, (H,); equals in the order of their numbers."""
        return np.argsort(-self.accuracy, kind="stable")


def probe(values: np.ndarray, labels: np.ndarray) -> Probe:
    """Find, for each unit by itself, the threshold that tells two classes apart best.

    Parameters
    ----------
    values : ndarray (N, H)
        Of H units, at N places.
    labels : ndarray (N,) bool
        The class of each place; both must occur.

    Returns
    -------
    Probe

    Raises
    ------
    ShapeError, ValueError
        Shapes do not fit; only one class occurs.

    Examples
    --------
    >>> values = np.array([[0.0, 3.0], [1.0, 1.0], [2.0, 2.0], [3.0, 0.0]])
    >>> found = probe(values, np.array([False, False, True, True]))
    >>> found.accuracy, found.order
    (array([1.  , 0.75]), array([0, 1]))
    >>> float(found.threshold[0]), bool(found.above[0])
    (1.5, True)
    """
    values, labels = _examples(values, labels)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    positive = labels[order]
    # If the cut lies behind the k-th value: what is True above it, and what is False up to it.
    right = 1 - np.cumsum(positive, axis=0) / labels.sum()
    left = np.cumsum(~positive, axis=0) / (~labels).sum()
    score = (left + right) / 2
    score[:-1][ordered[1:] == ordered[:-1]] = 0.5  # no cut between equals
    best_above, best_below = score.argmax(axis=0), score.argmin(axis=0)
    units = np.arange(values.shape[1])
    above = score[best_above, units] >= 1 - score[best_below, units]
    cut = np.where(above, best_above, best_below)
    accuracy = np.where(above, score[cut, units], 1 - score[cut, units])
    behind = ordered[np.minimum(cut + 1, len(values) - 1), units]
    return Probe((ordered[cut, units] + behind) / 2, above, accuracy)


@given(model=a_model, names=listed(text, "of parameters' names"))
def silence(model: Any, units: Units, names: Sequence[str] | None = None) -> Any:
    """Return a model in which nothing reads the hidden state of some units: they are as good as gone.

    Their rows of every recurrent matrix and of the read-out are set to zero. In an LSTM the cell state acts
    on the rest only through the hidden state of the same unit, so what it holds is cut off as well.

    Parameters
    ----------
    model : Model
        Of one layer.
    units : int or sequence of int
        Counted from 0.
    names : sequence of str, optional
        Cut these readers only: parameters with one row for each unit, such as ``["readout.V"]``.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=8)
    >>> float(abs(silence(model, 2).params["readout.V"][2]).max())
    0.0
    """
    units = _units(model, units)
    readers = ["readout.V", *(n for n in model.params if n.startswith("cell.U_"))] if names is None else names
    changed = {}
    for name in readers:
        if name not in model.params:
            raise UnknownNameError(f"names has {name!r}: {nearest(name, model.params)}")
        p = model.params[name].copy()
        if len(p) != model.hidden_size:
            raise ShapeError(
                f"{name} has shape {p.shape}: it has no row for each of the {model.hidden_size} units; "
                "silence takes a model of one layer"
            )
        p[units] = 0
        changed[name] = p
    return model.with_params(changed)


@given(model=a_model, gate=text, value=real)
def pin(model: Any, gate: str, value: float, units: Units) -> Any:
    """Return a model in which a gate of some units stands at one value, whatever comes in.

    The columns of its weights are set to zero and its bias to the number whose sigmoid is the value.

    Parameters
    ----------
    model : Model
        With parameters ``W_gate``, ``U_gate``, ``b_gate``.
    gate : str
        The gate's letter, such as ``"f"``.
    value : float
        From 0, shut, to 1, open.
    units : int or sequence of int
        Counted from 0.

    Raises
    ------
    ValueError
        The model has no such gate, or the value lies outside [0, 1].

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("agreement"), hidden_size=8)
    >>> shut = pin(model, "f", 0.0, [3])
    >>> float(shut.unroll(model.task.encode("the queen")[:, None])["f"][..., 3].max())
    0.0
    """
    units = _units(model, units)
    if not 0 <= value <= 1:
        raise ValueError(f"value={value}: a gate stands between 0, shut, and 1, open")
    missing = [n for n in (f"cell.W_{gate}", f"cell.U_{gate}", f"cell.b_{gate}") if n not in model.params]
    if missing:
        raise ValueError(f"gate={gate!r}: the model has no {missing[0]}; it has {', '.join(model.params)}")
    far = 200.0  # its sigmoid is 1 exactly, and that of its opposite 0 to 87 places
    bias = far if value == 1 else -far if value == 0 else math.log(value / (1 - value))
    changed = {}
    for name, entry in (("W", 0.0), ("U", 0.0), ("b", bias)):
        p = model.params[f"cell.{name}_{gate}"].copy()
        p[..., units] = entry
        changed[f"cell.{name}_{gate}"] = p
    return model.with_params(changed)


@given(model=a_model, other=a_model, x=numbers(), at=numbers(1, "b", "(T,), True or False for each step"))
def patch(model: Any, other: Any, x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a model's predictions when `other` takes its place at some steps.

    Parameters
    ----------
    model, other : Model
        Of the same states; `other` is usually made of `model` by `pin`, `silence` or ``with_cell``.
    x : ndarray (T, B) or (T, B, D)
        The input.
    at : ndarray (T,) bool
        The steps that `other` takes.

    Returns
    -------
    ndarray (T, B, K)
        As `Model.predict` gives them.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("agreement"), hidden_size=8)
    >>> x = model.task.encode("the queen is tired")[:, None]
    >>> same = patch(model, model, x, np.array([False, True, False, False]))
    >>> bool(np.allclose(same, model.predict(x), atol=1e-6))
    True
    """
    if x.ndim < 2:
        raise ShapeError(f"x has shape {x.shape}; it needs (T, B) or (T, B, D)")
    if at.dtype != bool or at.shape != x.shape[:1]:
        raise ShapeError(
            f"at is {at.dtype} of shape {at.shape}; it says True or False for each of the {len(x)} steps of x"
        )
    if set(model.cell.states) != set(other.cell.states):
        raise ValueError(
            f"other has the states {', '.join(other.cell.states)}, and model "
            f"{', '.join(model.cell.states)}: one takes the other's place if it goes on from the same states"
        )
    edges = [0, *(np.flatnonzero(at[1:] != at[:-1]) + 1), len(x)]
    state, parts = None, []
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        reader = other if at[first] else model
        run = reader.unroll(x[first:last], state=state)
        parts.append(reader.read_out(run[reader.cell.output]))
        state = run.final
    return np.concatenate(parts)


@given(model=a_model, x=numbers(), step=at_least(0), change=a_change)
def rewrite(
    model: Any,
    x: np.ndarray,
    step: int,
    change: Callable[[dict[str, np.ndarray]], Mapping[str, np.ndarray]],
) -> np.ndarray:
    """Return a model's predictions when its state is changed behind a step.

    Parameters
    ----------
    model : Model
    x : ndarray (T, B) or (T, B, D)
        The input.
    step : int
        The state that follows the input ``x[step]`` is changed.
    change : callable
        From the states by name, each (B, H), to those to go on with instead; what it does not return goes on
        as it is, changed in place or not.
        Predictions from ``step + 1`` on are affected.

    Returns
    -------
    ndarray (T, B, K)

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("agreement"), hidden_size=8)
    >>> x = model.task.encode("the queen is tired")[:, None]
    >>> forgot = rewrite(model, x, 1, lambda s: {"h": 0 * s["h"], "c": 0 * s["c"]})
    >>> bool(np.allclose(forgot[2:], model.predict(x[2:]), atol=1e-6))
    True
    """
    if x.ndim < 2:
        raise ShapeError(f"x has shape {x.shape}; it needs (T, B) or (T, B, D)")
    if not 0 <= step < len(x) - 1:
        raise ValueError(
            f"step={step}: x has {len(x)} steps; give one of 0 to {len(x) - 2}, since a later step has to "
            "read the state"
        )
    first = model.unroll(x[: step + 1])
    state = {name: np.array(value) for name, value in first.final.items()}
    changed = change(state)
    if changed is not None:
        state |= checks.mapping("change(states)", changed, "of the states to go on with, or None")
    second = model.unroll(x[step + 1 :], state=state)
    states = (run[model.cell.output] for run in (first, second))
    return np.concatenate([model.read_out(h) for h in states])


def _examples(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, labels = finite("values", array("values", values)), array("labels", labels, "biuf")
    if values.ndim != 2 or labels.dtype != bool or labels.shape != values.shape[:1]:
        raise ShapeError(
            f"values has shape {values.shape}, labels is {labels.dtype} of shape {labels.shape}: give (N, H) "
            "numbers and (N,) True or False"
        )
    if labels.all() or not labels.any():
        raise ValueError(
            f"of {len(labels)} labels {labels.sum()} are True: a probe needs examples of both classes"
        )
    return values, labels


def _units(model: Any, units: Units) -> np.ndarray:
    found = np.atleast_1d(array("units", units))
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise ShapeError(f"units={units!r}: give whole numbers, one for each unit")
    if found.size and not (0 <= found.min() and found.max() < model.hidden_size):
        raise ValueError(f"units={units!r}: the model has units 0 to {model.hidden_size - 1}")
    return found.astype(np.int64)
