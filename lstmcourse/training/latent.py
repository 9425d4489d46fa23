"""A model of what sequences or pictures are probable: a cell that emits its losses, trained on a bound.

What a reader can do here: build a `Latent` for a VRNN, a STORN, DRAW or a plain density, and a task; ask it
for its bound (`Latent.bound`, `Latent.evaluate`), for the likelihood itself by importance sampling
(`Latent.likelihood`), and for samples of its own (`Latent.sample`). `lstmcourse.fit` trains it.

A cell fits if its losses, in nats, have these names:

==============  ============================================================================================
``nll``         emitted at each step: minus log p(x | z), or minus log p(x) where there is no z
``canvas``      or, at the end, a state (Y, X) of log odds for a picture x = static("Y", "X") of 0 and 1
``kl``          emitted at each step: of the posterior against the prior, if there is a latent variable
``z``           the latent variable, a named equation, ``mu + sigma * e`` with the noise ``e``
``mu, sigma``   the posterior's mean and standard deviation (or ``log_sigma``)
``mu_0, ...``   the prior's, with ``sigma_0``; without them it is standard normal
==============  ============================================================================================

The bound is E[nll + kl], an upper bound on minus log p(x); the likelihood averages
p(x | z) p(z) / q(z | x) over many z.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import cells, checks
from ..cell import Cell
from ..engine import numeric
from ..errors import ShapeError
from ..run.run import Run
from ..run.unroll import unroll
from ..tasks.base import Batch
from ..tasks.pairs import Transduction
from .equations import digest
from .given import as_task
from .network import OVERFLOW, Network, check_step
from .optim import Arrays
from .plain import plain

__all__ = ["Bound", "Latent"]

AT_ONCE = 10_000
"""How many steps through time, of all copies of a batch together, `Latent.likelihood` runs at once."""


@dataclass(frozen=True, eq=False)
class Bound:
    """What `Latent.run` gives: the bound of a batch, its two parts, and the way back.

    Attributes
    ----------
    batch : Batch
        What came in.
    run : Run
        The cell's states and named equations at every step.
    nll, kl : ndarray (B,)
        Of each sequence or picture, in nats, in float64.
    scored : int
        How many frames those are, padding not counted; or how many pictures.
    weight : float
        Of the divergence in `loss`: below 1 during the warm-up.
    """

    model: Latent
    batch: Any
    run: Any
    nll: np.ndarray
    kl: np.ndarray
    scored: int
    weight: float = 1.0
    accuracy: float = math.nan  # there is nothing to be right about

    @property
    def loss(self) -> float:
        """What is trained: nats a frame, or a picture, with the divergence weighted."""
        return float((self.nll + self.weight * self.kl).sum()) / self.scored

    @property
    def bound(self) -> float:
        """Nats a frame, or a picture: not below minus the log likelihood, in the mean over the noise."""
        return float((self.nll + self.kl).sum()) / self.scored

    @property
    def final(self) -> Arrays:
        """The last states, for the next batch's `state`; no gradient flows through them."""
        return self.run.final

    @property
    def backend(self) -> str:
        """What computed the cell."""
        return self.run.backend

    def backward(self) -> Arrays:
        """Return the gradient of the loss for every name in the model's `params`."""
        run, dtype = self.run, self.model.dtype
        every = np.full((run.T, run.B), 1 / self.scored, dtype)
        given, ends = {}, {}
        if self.model.latent:
            given["kl"] = every * dtype.type(self.weight)
        if self.model.draws:
            x = self.model.pictures(self.batch)
            ends["canvas"] = ((numeric.sigmoid(run.final["canvas"]) - x) / self.scored).astype(dtype)
        else:
            given["nll"] = every
        return run.backward(given, ends, inputs=False).params


class Latent(Network):
    """A generative model: a cell that emits its losses, and a task whose inputs it is to find probable.

    The targets of the task, and what it scores, play no part: each frame of x counts, up to a sequence's end.

    Parameters
    ----------
    cell : Cell or str
        `cells.vrnn`, `cells.storn`, `cells.draw`, `cells.density_rnn`, or one that has the names above.
    task : Task or str
        Gives x: frames of numbers, or for a cell that draws, pictures of 0 and 1 (`tasks.Handwriting`).
    hidden_size : int
        Width H of the cell.
    sizes : mapping, optional
        The cell's other sizes by name, such as ``{"Z": 4, "F": 48}``.
    steps : int, optional
        How often a cell that draws adds to its canvas; of that cell alone.
    one_by_one : bool
        Give the cell one number of a frame at each step, (T, B, D) as (T · D, B, 1). Losses stay per frame.
    warmup : int
        Over how many steps of training the divergence's weight rises from 0 to 1.
    sampler : Cell, optional
        What draws, with parameters of the cell's; if not given, the cell of `lstmcourse.cells` whose name
        ends in "_sample".
    rng : numpy.random.Generator or int, optional
        For the first parameters; 0 if not given.
    dtype : dtype
        float32 to train, float64 to check.

    Attributes
    ----------
    params : dict of str to ndarray
        As the cell names them. Training changes the arrays in place.
    unit : {"frame", "picture"}
        What losses are counted by.

    Raises
    ------
    ValueError, TypeError
        A size is missing or out of range; the cell has not the losses, or the task not the inputs.
    UnknownNameError
        No cell or task has that name.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Latent("vrnn", lc.tasks.Tones(frames=5), 8, sizes={"Z": 2, "F": 6})
    >>> history = lc.fit(model, steps=2, batch_size=4, progress=False)
    >>> model.sample(3, rng=0).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        cell: Any,
        task: Any,
        hidden_size: int = 64,
        *,
        sizes: Mapping[str, int] | None = None,
        steps: int | None = None,
        one_by_one: bool = False,
        warmup: int = 0,
        sampler: Any = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        self.cell, self.task = as_generative(cell), as_task(task)
        self.hidden_size = checks.whole("hidden_size", hidden_size, 1)
        self.one_by_one = checks.truth("one_by_one", one_by_one)
        self.warmup, self.dtype = checks.whole("warmup", warmup, 0), checks.dtype(dtype)
        self.sampler = (
            None if sampler is None else checks.instance("sampler", sampler, Cell, "cells.vrnn_sample")
        )
        self._check_inputs(steps)
        self.steps = None if steps is None else int(steps)
        self.sizes = dict(sorted(self.cell.sizes(None, self.hidden_size, self._shown(sizes)).items()))
        rng = checks.generator("rng", rng, default=0)
        self.params: Arrays = self.cell.init(rng=rng, dtype=self.dtype, sizes=self.sizes)

    def _check_inputs(self, steps: Any) -> None:
        """Refuse a task whose inputs the cell cannot read, and steps where there are frames."""
        if self.task.symbols is not None:
            raise ValueError(
                f"task={self.task.name!r} gives symbols, and {self.cell.name} reads numbers: give a task of "
                "numbers, such as lstmcourse.tasks.Tones()"
            )
        if isinstance(self.task, Transduction):
            raise ValueError(
                f"task={self.task.name!r} gives pairs of a source and a target, and {self.cell.name} takes "
                "one x: give another task, such as lstmcourse.tasks.Tones()"
            )
        if not self.draws:
            if steps is not None:
                raise ValueError(
                    f"steps={steps!r} is for a cell that draws; {self.cell.name} takes a step for each frame "
                    "of the task: leave it out"
                )
            return
        if steps is None:
            raise ValueError(
                f"steps=None: say how often {self.cell.name} adds to its canvas, such as steps=8"
            )
        checks.whole("steps", steps, 1)
        if self.one_by_one:
            raise ValueError(
                f"one_by_one=True is for frames; {self.cell.name} reads whole pictures: leave it out"
            )
        if not hasattr(self.task, "pictures"):
            raise ValueError(
                f"task={self.task.name!r} has no pictures, which {self.cell.name} draws; give one that has, "
                "such as lstmcourse.tasks.Handwriting()"
            )

    def _shown(self, sizes: Any) -> dict[str, int]:
        """The sizes that were given, and those that the task shows."""
        given = dict(
            checks.mapping("sizes", sizes, "of whole numbers by name, such as {'Z': 4}", optional=True)
        )
        if self.draws:
            height, width = self.task.pictures(np.zeros((1, self.task.input_size))).shape[1:]
            shown = {"Y": height, "X": width}
        else:
            shown = {"D": 1 if self.one_by_one else self.task.input_size}
        for name, size in shown.items():
            if given.get(name, size) != size:
                raise ValueError(f"sizes={{{name!r}: {given[name]!r}}} does not fit: the task shows {size}")
        return given | shown

    @classmethod
    def shapes_of(cls, cells, task, *, sizes, **_) -> dict[str, tuple[int, ...]]:
        """Return the shapes that `params` have in such a model, without making it."""
        return cells["cell"].parameter_shapes(sizes=sizes)

    @property
    def draws(self) -> bool:
        """Whether the cell draws a picture, and its loss comes at the end."""
        return "nll" not in self.cell.emits

    @property
    def latent(self) -> bool:
        """Whether there is a latent variable; without one the bound is the likelihood."""
        return "kl" in self.cell.emits

    @property
    def loss_is_the_tasks(self) -> bool:
        """Whether the task's chance is in the same unit: nats a picture, of pixels that are 0 and 1."""
        return self.draws and self.task.loss == "bernoulli"

    @property
    def unit(self) -> str:
        """What losses are counted by."""
        return "picture" if self.draws else "frame"

    # ---------------------------------------------------------------------------------- forward and backward

    def run(
        self,
        batch: Any,
        state: Mapping[str, np.ndarray] | None = None,
        *,
        rng: np.random.Generator | int | None = None,
        grad: bool = False,
        backend: str | None = None,
        step: int | None = None,
    ) -> Bound:
        """Pass a batch forward, with one sample of the latent variable a step, as far as the loss.

        Parameters
        ----------
        batch : Batch
            x (T, B, D); lengths where sequences end.
        state : dict, optional
            First states, each (B, ...).
        rng : numpy.random.Generator or int, optional
            Draws the noise; 0 if not given.
        grad : bool
            Keep what `Bound.backward` needs.
        backend : str, optional
            What computes the cell, as `lstmcourse.unroll` takes it.
        step : int, optional
            How many steps of training were taken, for the warm-up; without it the divergence counts in full.

        Raises
        ------
        ValueError, TypeError
            Shapes or dtypes do not fit; a number is not finite.
        """
        checks.truth("grad", grad)
        rng = checks.generator("rng", rng, default=0)
        run, nll, kl = self._forward(self._given(batch), rng, state=state, grad=grad, backend=backend)
        return Bound(self, batch, run, nll, kl, self._scored(batch), self.weight(step))

    def _forward(
        self, given: Mapping[str, Any], rng: np.random.Generator, **how: Any
    ) -> tuple[Run, Any, Any]:
        """Run the cell with noise; nll and kl of each sequence or picture, (B,)."""
        x, lengths = given["x"], given.get("lengths")
        T, B = (self.steps, len(x)) if self.draws else x.shape[:2]
        inputs = {self.cell.inputs[0].name: x} | self._noise(self.cell, T, B, rng)
        run = unroll(self.cell, self.params, inputs=inputs, lengths=lengths, steps=self.steps, **how)
        if self.draws:
            canvas = run.final["canvas"]
            nll = (numeric.softplus(canvas) - x * canvas).sum((-2, -1), dtype=np.float64)
        else:
            nll = run["nll"].sum(0, dtype=np.float64)
        return run, nll, run["kl"].sum(0, dtype=np.float64) if self.latent else np.zeros(B)

    def weight(self, step: int | None = None) -> float:
        """Return the weight of the divergence after `step` steps of training; 1 if not given."""
        check_step(step)
        if step is None or not self.warmup:
            return 1.0
        return min(1.0, step / self.warmup)

    def _given(self, batch: Any) -> dict[str, Any]:
        """What a batch gives the cell: x, and lengths or steps."""
        checks.instance("batch", batch, Batch, "model.task.batch(batch_size=4)")
        if self.draws:
            return {"x": self.pictures(batch)}
        x = checks.array("batch.x", batch.x, "f", ndim=3, axes="(T, B, D)")
        if x.shape[2] != self.task.input_size:
            raise ShapeError(
                f"batch.x has shape {x.shape}; {self.task.name} has (T, B, {self.task.input_size})"
            )
        lengths = batch.lengths
        if self.one_by_one:
            T, B, D = x.shape
            x = x.transpose(0, 2, 1).reshape(T * D, B, 1)
            lengths = None if lengths is None else np.asarray(lengths) * D
        return {"x": x, "lengths": lengths}

    def pictures(self, batch: Any) -> np.ndarray:
        """Return the pictures of a batch, (B, Y, X)."""
        checks.instance("batch", batch, Batch, "model.task.batch(batch_size=4)")
        x = checks.array("batch.x", batch.x, "f")
        if len(x) != 1:
            raise ShapeError(f"batch.x has shape {x.shape}; pictures come as (1, B, pixels)")
        x = self.task.pictures(x)
        if x.size and not (0 <= x.min() and x.max() <= 1):
            raise ValueError(
                f"batch.x must hold 0 and 1, or probabilities; got values from {x.min()} to {x.max()}"
            )
        return x

    def _scored(self, batch: Any) -> int:
        """How many frames, or pictures."""
        every = self.draws or batch.lengths is None
        scored = math.prod(np.shape(batch.x)[:2]) if every else int(np.sum(batch.lengths))
        if not scored:
            raise ValueError(
                f"batch has no {self.unit}: x has shape {np.shape(batch.x)}, lengths are {batch.lengths}; at "
                "least one is needed for a loss"
            )
        return scored

    def _noise(self, cell: Cell, T: int, B: int, rng: np.random.Generator) -> Arrays:
        """Draw a cell's noise, in the order of its arguments: standard normal, or uniform in [0, 1)."""
        coins = cell.options.get("output") == "bernoulli"
        drawn = {}
        for i in cell.inputs:
            if i.kind == "noise":
                shape = (T, B, *(self.sizes[s] if isinstance(s, str) else s for s in i.shape))
                uniform = i.name == "u" or (coins and i.name == "e_x")
                values = rng.random(shape) if uniform else rng.standard_normal(shape)
                drawn[i.name] = values.astype(self.dtype)
        return drawn

    # ----------------------------------------------------------------------------- likelihood and imagination

    def bound(self, batch: Any, *, rng: np.random.Generator | int | None = None) -> float:
        """Return the bound on minus the log likelihood, in nats a frame or a picture, by one sample of z."""
        return self.run(batch, rng=rng).bound

    def likelihood(
        self,
        batch: Any,
        samples: int = 64,
        *,
        rng: np.random.Generator | int | None = None,
        backend: str | None = None,
    ) -> np.ndarray:
        """Return the log likelihood of each sequence or picture, (B,), in nats, by importance sampling.

        The logarithm of the mean of p(x | z) p(z) / q(z | x) over samples of z from the posterior q: in the
        mean a lower bound, which rises with the number of samples to the log likelihood (Burda et al. 2016).
        Exact, with one run, for a cell without a latent variable.

        Parameters
        ----------
        batch : Batch
        samples : int
            How many; they are run some at a time.
        rng, backend
            As in `run`.

        Raises
        ------
        ValueError
            The cell does not name its latent variable and its posterior.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Latent("storn", lc.tasks.Tones(frames=5), 8, sizes={"Z": 2})
        >>> batch = model.task.batch(batch_size=3)
        >>> model.likelihood(batch, samples=100).shape
        (3,)
        """
        checks.whole("samples", samples, 1, 10**6)
        rng = checks.generator("rng", rng, default=0)
        given = self._given(batch)
        how = {"grad": False, "backend": backend}
        if not self.latent:
            return -self._forward(given, rng, **how)[1]
        self._refuse_without("z", "mu")
        axis = 0 if self.draws else 1
        T, B = self.steps or len(given["x"]), given["x"].shape[axis]
        weights, most = np.empty((samples, B)), max(1, AT_ONCE // max(1, T * B))
        for first in range(0, samples, most):
            part = weights[first : first + most]
            copies = {"x": np.concatenate([given["x"]] * len(part), axis)}
            if given.get("lengths") is not None:
                copies["lengths"] = np.tile(given["lengths"], len(part))
            run, nll, _ = self._forward(copies, rng, **how)
            part[:] = (log_ratio(run, copies.get("lengths")) - nll).reshape(part.shape)
        largest = weights.max(axis=0)
        return largest + np.log(np.exp(weights - largest).mean(axis=0))

    def _refuse_without(self, *names: str) -> None:
        """ValueError where the cell has not named what importance sampling needs."""
        scale = {"sigma", "log_sigma"} & set(self.cell.names)
        missing = [n for n in names if n not in self.cell.names] + ["sigma"] * (not scale)
        if missing:
            raise ValueError(
                f"cell={self.cell.name}: it has no equation named {', '.join(missing)}; importance sampling "
                "needs the latent variable z, its mean mu and its standard deviation, sigma or log_sigma"
            )

    def sample(
        self,
        n: int,
        length: int | None = None,
        *,
        rng: np.random.Generator | int | None = None,
    ) -> np.ndarray:
        """Draw sequences, (T, n, D), or pictures after each step, (T, n, Y, X), as probabilities of 1.

        Parameters
        ----------
        n : int
            How many.
        length : int, optional
            Frames of a sequence; those of the task if not given.
        rng : numpy.random.Generator or int, optional
            0 if not given.

        Raises
        ------
        ValueError
            There is no cell that draws from what this one has learned; a length is given for pictures.
        """
        checks.whole("n", n, 1)
        cell, rng = self._sampler(), checks.generator("rng", rng, default=0)
        self._refuse_broken("it can draw nothing")
        if self.draws:
            if length is not None:
                raise ValueError(
                    f"length={length!r} is for sequences; this model draws in steps={self.steps}"
                )
            T = self.steps
        else:
            length = self._frames() if length is None else checks.whole("length", length, 1)
            T = length * (self.task.input_size if self.one_by_one else 1)
        checks.memory(f"n={n}, length={length}: what is drawn", T * n * max(self.task.input_size, 1))
        run = unroll(cell, cell.own(self.params), inputs=self._noise(cell, T, n, rng), grad=False)
        if self.draws:
            return numeric.sigmoid(run["canvas"])
        x = checks.finite("what was drawn", run["x"], OVERFLOW)
        return x.reshape(length, -1, n).transpose(0, 2, 1) if self.one_by_one else x

    def _frames(self) -> int:
        return len(self.task.batch(batch_size=1).x)

    def _sampler(self) -> Cell:
        """The cell that draws, with the options of the cell that was trained."""
        cell = self.sampler
        if cell is None:
            name = f"{self.cell.name}_sample"
            if name not in cells.names():
                raise ValueError(
                    f"sampler=None: lstmcourse.cells has no {name!r} to draw from what {self.cell.name} has "
                    "learned; give the model sampler=, a cell whose parameters are among its own"
                )
            cell = cells.get(name)
            cell = cell.with_options(**{k: v for k, v in self.cell.options.items() if k in cell.options})
        return cell

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def parameter_count(self) -> int:
        """How many numbers training changes."""
        return self.cell.parameter_count(sizes=self.sizes)

    @property
    def carried_shapes(self) -> dict[str, tuple[int, ...] | None]:
        """States that a batch leaves to the next, by name, with the shape of each for one sequence."""
        shapes = {s.name: tuple(d.value(self.sizes) for d in s.prev.shape) for s in self.cell.graph.states}
        return shapes | {i.name: None for i in self.cell.inputs if i.kind == "clock"}

    def work(self, batch_size: int) -> int:
        """Return multiplications in a step through time."""
        return batch_size * self.hidden_size**2

    @property
    def config(self) -> dict[str, Any]:
        """What the model is, apart from its parameters: plain data, as a checkpoint stores it."""
        cells = {"cell": self.cell} | ({} if self.sampler is None else {"sampler": self.sampler})
        return {
            "kind": "Latent",
            "cells": {k: {"cell": c.name, "options": plain(c.options)} for k, c in cells.items()},
            "equations": {k: digest(c, self.sizes, c.emits) for k, c in cells.items()},
            "sizes": {
                "hidden_size": self.hidden_size,
                "sizes": self.sizes,
                "steps": self.steps,
                "one_by_one": self.one_by_one,
            },
            "training": {"warmup": self.warmup},
            "dtype": str(self.dtype),
            "task": plain(self.task.config()),
        }

    def __repr__(self) -> str:
        sizes = ", ".join(f"{k}={v}" for k, v in self.sizes.items())
        return checks.encodable(
            f"Latent({self.cell.name} for {self.task.name}, in nats a {self.unit}; {sizes}; "
            f"{self.parameter_count:,} parameters, {self.dtype})"
        )


def log_ratio(run: Run, lengths: np.ndarray | None) -> np.ndarray:
    """log p(z) - log q(z | x) of each sequence, (B,), for the z of a run."""
    valid = np.arange(run.T)[:, None] < (run.T if lengths is None else lengths)

    def value(name: str) -> np.ndarray:
        return np.where(valid[..., None], run[name], 1.0)  # float64; padding is left out below

    z, mu = value("z"), value("mu")
    sigma = np.exp(value("log_sigma")) if "log_sigma" in run else value("sigma")
    mu_0, sigma_0 = (value("mu_0"), value("sigma_0")) if "mu_0" in run else (0.0, 1.0)
    posterior = -0.5 * np.square((z - mu) / sigma) - np.log(sigma)
    prior = -0.5 * np.square((z - mu_0) / sigma_0) - np.log(sigma_0)
    return np.where(valid, (prior - posterior).sum(-1), 0.0).sum(0)


def as_generative(cell: Any) -> Cell:
    """Return the cell of that name, or the cell itself, if a `Latent` can give it what it takes."""
    if isinstance(cell, str):
        cell = cells.get(cell)
    checks.instance("cell", cell, Cell, "lstmcourse.cells.vrnn, or its name")
    first, *others = cell.inputs
    others = [i for i in others if i.kind not in ("state", "clock", "noise")]
    emits = {name: cell.graph.outputs[name].shape for name in cell.emits if name in ("nll", "kl")}
    canvas = next((i.shape for i in cell.inputs if i.kind == "state" and i.name == "canvas"), ())
    reads = first.kind == "sequence" and len(first.shape) == 1 and "nll" in emits
    draws = first.kind == "static" and len(first.shape) == 2 and first.shape == canvas and "nll" not in emits
    if others or not (reads or draws) or any(emits.values()):
        given = ", ".join(f"{i.name} ({i.kind})" for i in cell.inputs)
        raise ValueError(
            f"cell={cell.name}: a Latent needs a cell that reads x and emits nll, or one that is given a "
            'picture, x=static("Y", "X"), and has a state canvas=state("Y", "X"). Either may emit kl; losses '
            "are one number for each sequence. This one takes "
            f"{given} and emits {', '.join(cell.emits) or 'nothing'}"
        )
    return cell
