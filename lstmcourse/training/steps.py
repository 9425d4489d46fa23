"""One step of training: forward, backward, clip, update; and back again where it breaks off or diverges."""

from __future__ import annotations

import copyreg
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import all_finite, finite
from ..errors import NotFiniteError
from .history import History, Record, Validation
from .network import carries
from .optim import clip_by_global_norm

if TYPE_CHECKING:
    from .optim import Arrays
    from .protocol import Pass, Trainable
    from .recipe import Recipe

__all__ = ["Training", "TrainingDiverged", "chance", "copies", "foresee", "learn", "validate"]


class TrainingDiverged(NotFiniteError):
    """Loss, gradient or parameters are no longer finite; the message says when, and what to try.

    Attributes
    ----------
    step : int
        The step, counted from 1, that could not be taken.
    norm : float
        Norm of the last gradient that was finite; NaN where there was none.
    history : History
        Of the steps before.
    """

    def __init__(self, what: str, recipe: Recipe, history: History, norm: float = math.nan) -> None:
        self.step, self.history = history.steps + 1, history
        self.norm = history.records[-1].norm if math.isnan(norm) and history.records else norm
        clip = "clip=1.0" if recipe.clip is None else f"a lower clip than {recipe.clip:g}"
        advice = (
            f"a lower learning rate than {recipe.optimizer.lr:g}, {clip}, "
            "or schedule=lstmcourse.optim.Warmup(100)"
        )
        if not math.isnan(self.norm):
            where = (
                f"at step {self.step}, after a gradient of norm {self.norm:.3g}. The parameters are back "
                f"where the loss was last finite. Try {advice}"
            )
        else:
            where = (
                "at step 1, before any update: look for targets, inputs or parameters that are very large "
                "or not finite"
            )
        super().__init__(f"{what} {where}.")

    def __reduce__(self) -> tuple:  # in another process it is made of its message, not by __init__
        return copyreg.__newobj__, (type(self), *self.args), vars(self)


class Training:
    """A run in hand: the model, and all else that changes from step to step."""

    def __init__(self, model: Trainable, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.memory = recipe.optimizer.init(model.params)
        self.history = History(**chance(model))
        self.data = model.task.data_digest()
        self.carried: Mapping[str, np.ndarray] | None = None
        self.best: Arrays | None = None
        self.undo = _Undo(model.params, self.memory)
        self.started = time.perf_counter()

    def finished(self, steps: int) -> bool:
        """Whether all steps are taken, or patience is at its end."""
        best, patience = self.history.best, self.recipe.patience
        if patience is not None and best is not None:
            since = len(self.history.validation) - 1 - self.history.validation.index(best)
            self.history.stopped_early = since >= patience
        return self.history.steps >= steps or self.history.stopped_early


def chance(model: Trainable) -> dict[str, float | None]:
    """What a `History` says of the best guess that ignores the input, if the model's loss is the task's."""
    if not getattr(model, "loss_is_the_tasks", True):
        return {"chance": None, "chance_accuracy": None}
    return {"chance": model.task.chance, "chance_accuracy": model.task.chance_accuracy}


def foresee(training: Training, steps: int) -> None:
    """Ask now for what is first asked for in the midst of training, so that it fails here if it does."""
    model, recipe, taken = training.model, training.recipe, training.history.steps
    if recipe.schedule is not None and taken < steps:
        recipe.schedule(steps - 1)  # one that is too short for so many steps says so
    if recipe.validate_every and steps // recipe.validate_every > taken // recipe.validate_every:
        with np.errstate(all="ignore"):  # the first step has more to say of what overflows
            _ = model.run(next(recipe.validation(model))).accuracy


def learn(training: Training, batch: Any, backend: str) -> None:
    """Take one step: forward, backward, clip, update; or go back and say that the run has diverged."""
    model, recipe, history = training.model, training.recipe, training.history
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # looked for below, with more to say
        try:
            forward = model.run(
                batch,
                training.carried if carries(batch) else None,
                rng=recipe.drawing(history.steps),
                grad=True,
                backend=backend,
                step=history.steps,
            )
            grads = forward.backward() if math.isfinite(forward.loss) else {}
        except NotFiniteError as error:
            raise _diverged(training, f"{error}. This was found") from error
        if not math.isfinite(forward.loss):
            raise _diverged(training, f"the loss is {forward.loss}")
        norm = clip_by_global_norm(grads, recipe.clip or math.inf)
        if not math.isfinite(norm):
            raise _diverged(training, f"the loss is {forward.loss:.3g} but the gradient's norm is {norm}")
    _update(training, forward, grads, norm)


def _update(training: Training, forward: Pass, grads: Arrays, norm: float) -> None:
    """Change the parameters and record the step; whatever interrupts that, it is as if it had not begun."""
    model, recipe, history = training.model, training.recipe, training.history
    seconds = time.perf_counter() - training.started
    record = Record(forward.loss, _or_nan(forward.accuracy), norm, seconds)
    before = training.carried
    training.undo.take()
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # looked for right below
            recipe.optimizer.update(model.params, grads, training.memory, recipe.factor(history.steps))
        updated = {"parameter": model.params, "the optimiser's": training.memory}
        if not all_finite(a for arrays in updated.values() for a in arrays.values()):
            for what, arrays in updated.items():
                for name, a in arrays.items():
                    finite(f"{what} {name!r}", a, "the update made it so")
        training.carried = dict(forward.final)
        history.backend = forward.backend
        history.records.append(record)  # from here on the step counts
    except BaseException as error:
        if history.records[-1:] != [record]:
            training.carried = before
            training.undo.restore()
        if isinstance(error, NotFiniteError):
            raise TrainingDiverged(f"{error}. This was found", recipe, history, norm) from error
        raise


def _diverged(training: Training, what: str) -> TrainingDiverged:
    training.undo.restore()
    return TrainingDiverged(what, training.recipe, training.history)


class _Undo:
    """Arrays as they were before the last update."""

    def __init__(self, *groups: Arrays) -> None:
        self.live = [a for group in groups for a in group.values()]
        self.kept: list[np.ndarray] = []

    def take(self) -> None:
        self.kept = self.kept or [np.empty_like(a) for a in self.live]
        for copy, a in zip(self.kept, self.live, strict=True):
            np.copyto(copy, a)

    def restore(self) -> None:
        for copy, a in zip(self.kept, self.live, strict=False):
            np.copyto(a, copy)


def validate(training: Training) -> None:
    """Evaluate where it is due and not done, and keep the parameters if they are the best so far."""
    model, recipe, history = training.model, training.recipe, training.history
    done = history.validation[-1].step if history.validation else 0
    if not recipe.validate_every or history.steps % recipe.validate_every or done == history.steps:
        return
    sizes = dict(batch_size=recipe.batch_size, length=recipe.length)
    try:
        metrics = model.evaluate("validation", batches=recipe.validation_batches, seed=recipe.seed, **sizes)
    except NotFiniteError as error:
        raise _diverged(training, f"{error}. This was found in validation") from error
    new = Validation(history.steps, metrics.loss, _or_nan(metrics.accuracy))
    if recipe.patience is not None and History(validation=[*history.validation, new]).best is new:
        training.best = copies(model.params)
    history.validation.append(new)


def _or_nan(accuracy: float | None) -> float:
    return math.nan if accuracy is None else accuracy


def copies(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Arrays that stay as these are now."""
    return {name: a.copy() for name, a in arrays.items()}
