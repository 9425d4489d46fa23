"""Weights that a reader sets by hand, under whatever names: `weights_of` makes them the course's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from ..cell import Cell
from .judges import Refused
from .layers import listed
from .plain import NoNumbers, numbers

__all__ = ["weights_of"]

LETTERS = {"c": "g", "candidate": "g", "cell": "g", "z": "g", "forget": "f", "input": "i", "output": "o"}
"""What the layers of a cell are called elsewhere; looked at where the cell has no layer of that name."""
OF_A_GRU = {"h": "g", "n": "g", "candidate": "g", "u": "z", "update": "z", "reset": "r"}
"""The same for a cell with a layer r."""


def weights_of(
    cell: Cell,
    input_size: int = 1,
    hidden_size: int = 1,
    needed: Collection[str] | None = None,
    rest: float = 0.0,
) -> Callable[[Any], dict[str, np.ndarray]]:
    """Return a function that makes parameters of what a reader gives.

    Parameters
    ----------
    cell : Cell
    input_size, hidden_size : int
    needed : collection of str, optional
        Parameters that have to be given; all, if that is not said.
    rest : float
        What those are set to that need not be given.

    Returns
    -------
    callable
        Takes a dict of numbers or arrays, a laboratory, or a model; raises `Refused` where they do not fit.

    Examples
    --------
    >>> from lstmcourse import cells
    >>> take = weights_of(cells.rnn)
    >>> {name: a.tolist() for name, a in take({"W_xh": 1, "W_hh": 1.5, "b": 0}).items()}
    {'W_h': [[1.0]], 'U_h': [[1.5]], 'b_h': [0.0]}
    """
    shapes = cell.parameter_shapes(input_size, hidden_size)
    otherwise = "" if needed is None else f": left out, {{}} {rest:g}, and that will not do"
    needed = list(shapes if needed is None else needed)

    def take(answer: Any) -> dict[str, np.ndarray]:
        given = _mapping(answer)
        made: dict[str, np.ndarray] = {}
        for name, value in given.items():
            ours = _ours(str(name), shapes)
            if ours is None:
                if str(name) in cell.states or str(name) in {i.name for i in cell.inputs}:
                    continue  # a laboratory has the input and the states' starts as well
                raise Refused(
                    "another parameter", f"{name!r} is no parameter of {cell.name}: it has {listed(shapes)}."
                )
            array = _shaped(str(name), value, shapes[ours])
            made[ours] = made[ours] + array if ours in made else array  # two biases add up
        if missing := [name for name in needed if name not in made]:
            are, they = ("is", "it is") if len(missing) == 1 else ("are", "they are")
            raise Refused("incomplete", f"{listed(missing)} {are} missing{otherwise.format(they)}.")
        return {name: made.get(name, np.full(shape, rest)) for name, shape in shapes.items()}

    return take


def _mapping(answer: Any) -> Mapping[Any, Any]:
    """The numbers by name, of a dict, a laboratory or a model."""
    for attribute in ("values", "params"):  # a dict's `values` is a method
        inner = getattr(answer, attribute, None)
        if isinstance(inner, Mapping):
            return {str(k).removeprefix("cell."): v for k, v in inner.items()}
    if isinstance(answer, Mapping):
        return answer
    raise Refused(
        "no weights",
        "Weights by name are needed, a dict such as {'b_f': 5.0}, and a value of type "
        f"{type(answer).__name__} was given.",
    )


def _ours(name: str, names: Collection[str]) -> str | None:
    """The course's name of a parameter.

    Examples
    --------
    >>> have = ["W_f", "U_f", "b_f", "W_g", "U_g", "b_g"]
    >>> [_ours(n, have) for n in ("W_f", "W_xf", "W_hf", "U_c", "bf", "b_hf", "Wx_forget", "q")]
    ['W_f', 'W_f', 'U_f', 'U_g', 'b_f', 'b_f', 'W_f', None]
    >>> [_ours(n, ["p_f", "W_i", "W_g"]) for n in ("p_f", "W_cf", "w_cf", "W_c")]
    ['p_f', 'p_f', 'p_f', 'W_g']
    >>> [_ours(n, ["W_z", "W_r", "W_g", "U_g", "b_g"]) for n in ("W_h", "W_hh", "b_n", "W_update", "W_o")]
    ['W_g', 'U_g', 'b_g', 'W_z', None]
    """
    if name in names:
        return name
    if (watched := re.fullmatch(r"[Wwp]_?c_?([A-Za-z]+)|[pP]_?([A-Za-z]+)", name)) and any(
        (peephole := f"p_{LETTERS.get(word, word)}") in names for word in watched.groups() if word
    ):
        return peephole
    found = re.fullmatch(r"([WUb])_?([xih])?_?([A-Za-z~]*)", name)
    if not found:
        return None
    kind, source, layer = found.groups()
    layers = dict.fromkeys(n.partition("_")[2] for n in names)
    letters = OF_A_GRU if "r" in layers else LETTERS
    tried = [(source, layer), ("", f"{source or ''}{layer}")]  # W_if is of f, and W_input of i
    for from_, label in tried:
        label = label.strip("~").lower() or (next(iter(layers)) if len(layers) == 1 else "")
        label = label if label in layers else letters.get(label, label)
        if label in layers:
            real = "U" if kind == "W" and from_ == "h" else kind
            if f"{real}_{label}" in names:
                return f"{real}_{label}"
    return None


def _shaped(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = numbers(value).astype(np.float64)
    except NoNumbers as error:
        raise Refused("no numbers", f"{name} is {error}, and numbers are needed.") from None
    if not np.isfinite(array).all():
        raise Refused("not finite", f"{name} has a NaN or an infinity in it.")
    if array.ndim == 0:
        return np.full(shape, float(array))
    if array.size != int(np.prod(shape)):
        raise Refused("another shape", f"{name} has the shape {array.shape}, and {shape} is needed.")
    return array.reshape(shape).copy()
