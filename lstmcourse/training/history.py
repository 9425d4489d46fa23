"""What happened in training, step by step: a `History` that plots itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..checks import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .optim import Arrays


__all__ = ["History", "Record", "Validation"]


@dataclass(frozen=True)
class Record:
    """One step: loss, accuracy (NaN where the model has none), norm of the gradient before clipping, and
    seconds since the start.
    """

    loss: float
    accuracy: float
    norm: float
    seconds: float


@dataclass(frozen=True)
class Validation:
    """Loss and accuracy on the validation split after `step` steps."""

    step: int
    loss: float
    accuracy: float


@dataclass
class History:
    """What happened in training, step by step. Its text holds counts only, the same on every machine.

    Attributes
    ----------
    records : list of Record
        One for each step.
    validation : list of Validation
        One for each validation.
    interrupted, stopped_early : bool
        Why training ended before its last step.
    chance, chance_accuracy : float or None
        Loss and accuracy of the best guess that ignores the input, drawn beside the curves.
    backend : str
        What computed the cell in the last step, one of `lstmcourse.backends`.

    Examples
    --------
    >>> History([Record(loss=2.0, accuracy=0.1, norm=1.0, seconds=0.1)])
    History(1 step, 0 validations)
    """

    records: list[Record] = field(default_factory=list)
    validation: list[Validation] = field(default_factory=list)
    interrupted: bool = False
    stopped_early: bool = False
    chance: float | None = None
    chance_accuracy: float | None = None
    backend: str = "numpy"

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return len(self.records)

    @property
    def loss(self) -> np.ndarray:
        """Loss at each step, (steps,)."""
        return self._column("loss")

    @property
    def accuracy(self) -> np.ndarray:
        """Accuracy at each step, (steps,)."""
        return self._column("accuracy")

    @property
    def norm(self) -> np.ndarray:
        """Norm of the gradient before clipping at each step, (steps,)."""
        return self._column("norm")

    @property
    def seconds(self) -> np.ndarray:
        """Seconds since the start at the end of each step, (steps,); pauses between runs not counted."""
        return self._column("seconds")

    @property
    def best(self) -> Validation | None:
        """The first validation with the lowest loss."""
        return min(self.validation, key=lambda v: math.inf if math.isnan(v.loss) else v.loss, default=None)

    @property
    def _has_accuracy(self) -> bool:
        """Whether accuracy means something for this model."""
        return any(not math.isnan(r.accuracy) for r in self.records)

    def _column(self, name: str) -> np.ndarray:
        return np.array([getattr(r, name) for r in self.records], dtype=np.float64)

    def figure(self, *, smooth: int | None = None) -> Figure:
        """Return a figure of loss and, where there is one, accuracy against the step.

        Parameters
        ----------
        smooth : int, optional
            Average over so many steps, at most over all; a fiftieth of all if not given.
        """
        from ..views import plots

        if not self.records:
            raise ValueError("there is nothing to plot: no step was taken")
        if smooth is not None:
            whole("smooth", smooth, 1)
        width = min(smooth or max(1, self.steps // 50), self.steps)
        names = ("loss", "accuracy") if self._has_accuracy else ("loss",)
        fig, axes = plots.figure(4.5 * len(names), 3.2, columns=len(names))
        for ax, name in zip(np.atleast_1d(axes), names, strict=True):
            mean = np.convolve(getattr(self, name), np.full(width, 1 / width), mode="valid")
            series = {"training": (np.arange(width, self.steps + 1), mean)}
            if self.validation:
                checked = [(v.step, getattr(v, name)) for v in self.validation]
                series["validation"] = tuple(np.array(checked, dtype=np.float64).T)
            chance = self.chance if name == "loss" else self.chance_accuracy
            reference = None if chance is None else {"chance": chance}
            plots.lines(series, xlabel="step", ylabel=name, reference=reference, ax=ax)
        return fig

    def plot(self, *, smooth: int | None = None) -> None:
        """Show loss and accuracy against the step, as `figure` has them."""
        from ..views import plots

        drawn = "Loss (left) and accuracy (right)" if self._has_accuracy else "Loss"
        alt = f"{drawn} over {self.steps} training steps"
        alt += ", on training and validation batches." if self.validation else "."
        alt += "" if self.chance is None else " A dotted line marks chance."
        plots.show(self.figure(smooth=smooth), alt=alt)

    def __repr__(self) -> str:
        words = [count(self.steps, "step"), count(len(self.validation), "validation")]
        words += [word.replace("_", " ") for word in ("interrupted", "stopped_early") if getattr(self, word)]
        return f"History({', '.join(words)})"

    def to_arrays(self) -> Arrays:
        """Return records and validations as arrays, for a checkpoint."""
        columns = {name: self._column(name) for name in Record.__dataclass_fields__}
        checked = [(v.step, v.loss, v.accuracy) for v in self.validation]
        return columns | {"validation": np.array(checked, dtype=np.float64).reshape(-1, 3)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], **chance: float | None) -> History:
        """Return the history that `to_arrays` gave.

        Raises
        ------
        ValueError
            An array is missing, or its shape does not fit.
        """
        columns = {*Record.__dataclass_fields__, "validation"}
        if missing := sorted(columns - arrays.keys()):
            raise ValueError(
                f"a history has the arrays {', '.join(sorted(columns))}; missing: {', '.join(missing)}"
            )
        if kinds := {a.dtype.name for a in arrays.values()} - {"float64"}:
            raise ValueError(f"a history has columns of float64; got {', '.join(sorted(kinds))}")
        shapes = {arrays[name].shape for name in Record.__dataclass_fields__}
        if len(shapes) > 1 or len(shapes.pop()) != 1 or arrays["validation"].shape[1:] != (3,):
            found = ", ".join(f"{name} {arrays[name].shape}" for name in sorted(columns))
            raise ValueError(f"a history has columns of one length, and validation (N, 3); got {found}")
        rows = zip(*(arrays[name].tolist() for name in Record.__dataclass_fields__), strict=True)
        checked = [Validation(int(step), loss, hits) for step, loss, hits in arrays["validation"].tolist()]
        return History([Record(*row) for row in rows], checked, **chance)


def count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
