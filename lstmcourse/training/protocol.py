"""What `fit` asks of what it trains: a `Trainable`, whose passes over a batch are each a `Pass`.

`Model`, `Seq2Seq`, `Captioner` and `Latent` are such, and so is any object with these members. All that is
random in a step comes from the generator that `fit` gives to `Trainable.run`, which is seeded by the run's
seed and the number of the step: so a run is repeated, and resumed, bit for bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..checks import shown

if TYPE_CHECKING:
    from .optim import Arrays

__all__ = ["Metrics", "Pass", "Trainable", "trainable"]


@dataclass(frozen=True)
class Metrics:
    """How well a model does: mean loss and share of correct steps, over `scored` steps."""

    loss: float
    accuracy: float
    scored: int


class Pass(Protocol):
    """One batch through a model."""

    @property
    def loss(self) -> float:
        """What is made smaller, a number."""

    @property
    def accuracy(self) -> float | None:
        """Share of what is correct; NaN or None where there is no such thing."""

    @property
    def final(self) -> Mapping[str, np.ndarray]:
        """The last states, for a batch that carries on from this one; empty where none are carried."""

    @property
    def backend(self) -> str:
        """What computed it, one of `lstmcourse.backends`."""

    def backward(self) -> Arrays:
        """Return the gradient of the loss for every name in the model's `params`."""


class Trainable(Protocol):
    """What `fit` and checkpoints ask of a model."""

    @property
    def params(self) -> Arrays:
        """What is trained, by name. The arrays are changed in place, so they stay the same objects."""

    @property
    def dtype(self) -> np.dtype:
        """In which batches are asked for."""

    @property
    def task(self) -> Any:
        """Where batches come from, as in `lstmcourse.tasks`: it has `name`, `stream`, `data_digest`, `chance`
        and `chance_accuracy`. A batch has a `mask` (T, B); where it `carries` on from the one before, the
        states that are left there come back.
        """

    @property
    def config(self) -> dict[str, Any]:
        """What the model is, apart from its parameters: plain data, by which a run is known when it resumes.

        ``"kind"`` is the name of the class. By the part that a cell plays, ``"cells"`` holds its name and
        options, ``{"cell": ..., "options": ...}``, and ``"equations"`` its digest, as `training.equations`
        makes it. Then come ``"sizes"``, ``"training"`` (settings that may differ where only parameters are
        taken over), ``"dtype"`` (a text) and ``"task"`` (the task's config). A `Model` has a form of its own.
        """

    @property
    def carried_shapes(self) -> Mapping[str, tuple[int, ...] | None]:
        """Names of the states in `Pass.final`, and the shape of each for one sequence; None for a clock."""

    def work(self, batch_size: int) -> int:
        """Return multiplications in a step through time, which say how many threads are worth their start."""

    def run(
        self,
        batch: Any,
        state: Mapping[str, np.ndarray] | None = None,
        *,
        rng: np.random.Generator | None = None,
        grad: bool = False,
        backend: str | None = None,
        step: int | None = None,
    ) -> Pass:
        """Pass a batch forward, as far as the loss.

        Parameters
        ----------
        batch : Batch, Pairs
        state : mapping, optional
            `Pass.final` of the batch before, where the batch carries on from it.
        rng : numpy.random.Generator, optional
            In training, draws all that is drawn: dropout, samples. Without it the pass is one of evaluation:
            nothing is dropped, and what must be drawn is drawn alike each time.
        grad : bool
            Keep what `Pass.backward` needs.
        backend : str, optional
            What computes the cells.
        step : int, optional
            In training, the number of steps taken before, for a loss that changes in the course of training.
        """

    def evaluate(
        self,
        split: str = "test",
        *,
        batches: int = 8,
        batch_size: int = 32,
        length: int | None = None,
        seed: int = 0,
    ) -> Metrics:
        """Measure the loss over some batches of a split: the same ones, and alike, each time."""


MEMBERS = [name for name in vars(Trainable) if not name.startswith("_")]
OF_TASK = ("name", "stream", "data_digest", "chance", "chance_accuracy")


def trainable(name: str, value: Any) -> Any:
    """A `Trainable`; a TypeError that names what it lacks of one."""
    lacks = [m for m in MEMBERS if inspect.getattr_static(value, m, None) is None]
    if not lacks:
        task = value.task
        lacks = [f"task.{m}" for m in OF_TASK if not hasattr(task, m)]
    if lacks:
        raise TypeError(
            f"{name}={shown(value)} does not fit: a Model is needed, such as lstmcourse.Model(cell, task), "
            f"or another object that is an lstmcourse.train.Trainable; it has no {', '.join(lacks)}"
        )
    return value
