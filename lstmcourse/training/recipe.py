"""What decides a run beside the model and the number of steps: a `Recipe`, by which it also resumes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import function, instance, number, whole
from .optim import Adam, Optimizer

if TYPE_CHECKING:
    from .optim import Schedule
    from .protocol import Trainable

__all__ = ["ADAM", "Recipe"]

ADAM = Adam(1e-2)
_DRAWING = 0xD120  # third part of the seed, which keeps it apart from every stream of a task


@dataclass(frozen=True)
class Recipe:
    """All that decides a run beside the model and the number of steps; a run resumes with the same one."""

    optimizer: Optimizer = ADAM
    schedule: Schedule | None = None
    clip: float | None = 1.0
    batch_size: int = 32
    length: int | None = None
    seed: int = 0
    validate_every: int = 0
    validation_batches: int = 8
    patience: int | None = None

    def __post_init__(self) -> None:
        instance("optimizer", self.optimizer, Optimizer, "lstmcourse.optim.Adam(1e-2), or its name")
        if self.schedule is not None:
            function("schedule", self.schedule, "from step to factor")
        if self.clip is not None:
            number("clip", self.clip, 0, math.inf, without=0)
        for name, least in {"batch_size": 1, "seed": 0, "validate_every": 0}.items():
            whole(name, getattr(self, name), least)
        whole("validation_batches", self.validation_batches, 1, 10**6)
        if self.length is not None:
            whole("length", self.length, 1)
        if self.patience is not None:
            whole("patience", self.patience, 1)
            if not self.validate_every:
                raise ValueError(
                    f"patience={self.patience} counts validations, so it needs validate_every above 0"
                )

    def batches(self, model: Trainable, start: int = 0) -> Iterator[Any]:
        """Return the training batches without end, from the one that step number `start` takes."""
        sizes = {"batch_size": self.batch_size, "length": self.length, "dtype": model.dtype}
        return model.task.stream("train", seed=self.seed, start=start, **sizes)

    def validation(self, model: Trainable) -> Iterator[Any]:
        """Return the batches on which `model.evaluate` validates."""
        sizes = {"batch_size": self.batch_size, "length": self.length, "dtype": model.dtype}
        return model.task.stream("validation", seed=self.seed, **sizes)

    def factor(self, step: int) -> float:
        """Return the factor on the learning rate after `step` steps."""
        if self.schedule is None:
            return 1.0
        factor = self.schedule(step)
        factor = factor[()] if isinstance(factor, np.ndarray) and not factor.ndim else factor
        number(f"schedule({step})", factor, 0, math.inf, without=math.inf)
        return float(factor)

    def drawing(self, step: int) -> np.random.Generator:
        """Return the generator of all that is drawn in the step after `step` steps: dropout, samples."""
        return np.random.default_rng([self.seed, step, _DRAWING])
