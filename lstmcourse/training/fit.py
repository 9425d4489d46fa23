"""Train a model: `fit` takes it through its task's batches and returns a `History` that plots itself.

What a reader can do here: read `fit` from top to bottom (the loop is a page), train with it, watch it,
interrupt it and go on with all that was learnt, stop early, write checkpoints and resume from them bit for
bit.

A run is decided by its model, its `Recipe` and the number of steps. Batch n comes from
``task.stream(seed=seed, start=n)`` and the dropout of step n from a generator seeded by (seed, n), so the
position of all that is random is the number of steps taken, and that is all a checkpoint has to hold of it.
"""

from __future__ import annotations

import itertools
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import array, finite, function, instance, number, truth, whole
from ..errors import NotFiniteError
from ..files.paths import expand
from ..programs.threads import threads_for
from ..run.backends import backends, check_backend
from . import checkpoints
from .checkpoints import CheckpointError, layout, refuse_differences
from .model import Forward, Model
from .optim import Adam, Optimizer, Schedule, clip_by_global_norm
from .optim import get as optimizer_called

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History", "Recipe", "Record", "TrainingDiverged", "Validation", "fit"]

Arrays = dict[str, np.ndarray]
_ADAM = Adam(1e-2)
_DROPOUT = 0xD120  # third part of the dropout's seed, which keeps it apart from every stream of a task


def fit(
    model: Model,
    steps: int = 1000,
    *,
    batch_size: int = 32,
    length: int | None = None,
    optimizer: Optimizer | str = _ADAM,
    clip: float | None = 1.0,
    schedule: Schedule | None = None,
    seed: int = 0,
    validate_every: int = 0,
    validation_batches: int = 8,
    patience: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    other_data: bool = False,
    progress: bool = True,
    callback: Callable[[Model, History], Any] | None = None,
    backend: str | None = None,
) -> History:
    """Train a model in place until `steps` steps have been taken, and return what happened.

    An interrupt (Ctrl-C, the notebook's stop button) lets the step in hand end; the model then keeps all
    that it has learnt, and `fit` returns normally with ``history.interrupted`` set. A second interrupt does
    not wait: the step in hand is undone.

    Parameters
    ----------
    model : Model
        Its parameters change in place.
    steps : int
        Number of updates in all, those of the run that is resumed included.
    batch_size, length : int
        As the task's `stream` takes them; `length` is T where the task leaves it open.
    optimizer : Optimizer or str
        ``Adam(1e-2)`` if not given.
    clip : float or None
        Bound on the global norm of the gradients.
    schedule : callable, optional
        From the number of steps taken to a factor on the learning rate; see `lstmcourse.optim`. With a
        checkpoint it must be one of those, or a dataclass of your own (known again by its name and fields):
        two functions cannot be compared, so a run could be resumed with another one unnoticed.
    seed : int
        Of the batches and the dropout. A second call with the same seed sees the same batches again.
    validate_every : int
        Evaluate on the validation split after so many steps; 0 never.
    validation_batches : int
        On how many batches, the same ones each time.
    patience : int, optional
        Stop when the validation loss has not fallen for so many validations. The model ends with the
        parameters that did best (unless it was interrupted: then with the last ones).
    checkpoint : path, optional
        File to write at the end, and after every `checkpoint_every` steps.
    resume : bool
        Go on from `checkpoint` where that file exists; the rest equals the uninterrupted run bit for bit, if
        the back-end is the same.
    overwrite : bool
        Replace a file at `checkpoint` also if it is no checkpoint.
    other_data : bool
        Resume also if the task now reads other data from the disk than those that were trained on.
    progress : bool
        Show a bar with loss, accuracy and the time left; never while notebooks are verified
        (environment variable ``LSTMCOURSE_REGRESSION``).
    callback : callable, optional
        Called with model and history after every step; ends the training by returning True.
    backend : str, optional
        What computes the cell, one of `lstmcourse.backends`. ``"numba"`` compiles it first, which takes
        seconds, once. If not given, a run that is long enough to repay that is compiled where Numba is
        installed: one with 20,000 steps through time in all, `steps` times T. So a run that is resumed with
        the same `steps` goes on as it began. The two agree to rounding; ``history.backend`` says which it
        was.

    Raises
    ------
    TrainingDiverged
        The loss, the gradient, what an update makes of the parameters, or the loss in validation is no longer
        finite. The parameters are those of the last finite loss.
    CheckpointError
        The file to resume from is damaged, or of another model, recipe or data; or none can be written there.
    ValueError, TypeError
        A setting is out of range.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=8)
    >>> history = lc.fit(model, steps=5, batch_size=4, progress=False)
    >>> history
    History(5 steps, 0 validations)
    """
    instance("model", model, Model, "lstmcourse.Model(cell, task)")
    whole("steps", steps, 0)
    truth("progress", progress)
    truth("resume", resume)
    if callback is not None:
        function("callback", callback, "with model and history")
    for name, p in model.params.items():
        if not array(f"parameter {name!r}", p).flags.writeable:
            raise ValueError(
                f"parameter {name!r} is read-only, and training changes it in place; give a copy, "
                f"model.params[{name!r}] = model.params[{name!r}].copy()"
            )
    recipe = Recipe(
        optimizer_called(optimizer) if isinstance(optimizer, str) else optimizer,
        schedule, clip, batch_size, length, seed, validate_every, validation_batches, patience,
    )  # fmt: skip
    _check_files(checkpoint, checkpoint_every, resume, overwrite, schedule)
    backend = backend if backend is None else check_backend(backend)
    training = _resumed(model, recipe, checkpoint, other_data) if resume else _Training(model, recipe)
    history = training.history
    _foresee(training, steps)
    batches = recipe.batches(model, start=history.steps)
    with _interrupt_after_step() as interrupted:
        try:
            first = next(batches)
            backend = backend or _worthwhile(steps * first.x.shape[0])
            batches = itertools.chain([first], batches)
            # Compiled programs see to their threads; those of a library would spin beside them.
            work = 0 if backend == "numba" else batch_size * model.hidden_size**2
            at_end = None if checkpoint_every else checkpoint
            with _kept(training, at_end), threads_for(work), _progress_bar(history, steps, progress) as show:
                while not (training.finished(steps) or interrupted()):
                    _learn(training, next(batches), backend)
                    _validate(training)
                    show()
                    if checkpoint_every and history.steps % checkpoint_every == 0:
                        _write_if_possible(training, checkpoint)
                    if callback is not None and callback(model, history) is True:
                        break
        except KeyboardInterrupt:
            history.interrupted = True
        history.interrupted |= interrupted()
        with _kept(training):
            _end(training, checkpoint)
    return history


COMPILED = 20_000
"""From how many steps through time, in all, a run is compiled: there it repays the loading of Numba."""


def _worthwhile(times: int) -> str:
    """The back-end of a run of so many steps through time that names none."""
    return "numba" if times >= COMPILED and "numba" in backends() else check_backend(None)


@dataclass(frozen=True)
class Recipe:
    """All that decides a run beside the model and the number of steps; a run resumes with the same one."""

    optimizer: Optimizer = _ADAM
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
        for name, least in {"batch_size": 1, "seed": 0, "validate_every": 0, "validation_batches": 1}.items():
            whole(name, getattr(self, name), least)
        if self.length is not None:
            whole("length", self.length, 1)
        if self.patience is not None:
            whole("patience", self.patience, 1)
            if not self.validate_every:
                raise ValueError(
                    f"patience={self.patience} counts validations, so it needs validate_every above 0"
                )

    def batches(self, model: Model, start: int = 0) -> Iterator[Any]:
        """Return the training batches without end, from the one that step number `start` takes."""
        sizes = {"batch_size": self.batch_size, "length": self.length, "dtype": model.dtype}
        return model.task.stream("train", seed=self.seed, start=start, **sizes)

    def validation(self, model: Model) -> Iterator[Any]:
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

    def dropout(self, step: int) -> np.random.Generator:
        """Return the generator that draws the dropout of the step after `step` steps."""
        return np.random.default_rng([self.seed, step, _DROPOUT])


class TrainingDiverged(ValueError):
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


# --------------------------------------------------------------------------------------------------- history


@dataclass(frozen=True)
class Record:
    """One step: loss, accuracy, norm of the gradient before clipping, and seconds since the start."""

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

    def _column(self, name: str) -> np.ndarray:
        return np.array([getattr(r, name) for r in self.records], dtype=np.float64)

    def figure(self, *, smooth: int | None = None) -> Figure:
        """Return a figure of loss and accuracy against the step.

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
        fig, axes = plots.figure(9.0, 3.2, columns=2)
        for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
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
        """Show loss and accuracy against the step."""
        from ..views import plots

        alt = f"Loss (left) and accuracy (right) over {self.steps} training steps"
        alt += ", on training and validation batches." if self.validation else "."
        alt += "" if self.chance is None else " A dotted line marks chance."
        plots.show(self.figure(smooth=smooth), alt=alt)

    def __repr__(self) -> str:
        words = [_count(self.steps, "step"), _count(len(self.validation), "validation")]
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


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


# ------------------------------------------------------------------------------------------- parts of a step


class _Training:
    """A run in hand: the model, and all else that changes from step to step."""

    def __init__(self, model: Model, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.memory = recipe.optimizer.init(model.params)
        self.history = History(**_chance(model))
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


def _chance(model: Model) -> dict[str, float | None]:
    return {"chance": model.task.chance, "chance_accuracy": model.task.chance_accuracy}


def _foresee(training: _Training, steps: int) -> None:
    """Ask now for what is first asked for in the midst of training, so that it fails here if it does."""
    model, recipe, taken = training.model, training.recipe, training.history.steps
    if recipe.schedule is not None and taken < steps:
        recipe.schedule(steps - 1)  # one that is too short for so many steps says so
    if recipe.validate_every and steps // recipe.validate_every > taken // recipe.validate_every:
        with np.errstate(all="ignore"):  # the first step has more to say of what overflows
            _ = model.run(next(recipe.validation(model))).accuracy


@contextmanager
def _kept(training: _Training, checkpoint: str | os.PathLike | None = None) -> Iterator[None]:
    """Let an error carry the history, and write the file that would have been written at the end."""
    try:
        yield
    except TrainingDiverged:  # it has the history, and the parameters have gone back from there
        raise
    except Exception as error:
        error.history = training.history
        error.add_note(f"after {_count(training.history.steps, 'step')}: the model has what it learnt")
        if checkpoint is not None and training.history.records:
            _write_if_possible(training, checkpoint)
        raise


def _learn(training: _Training, batch: Any, backend: str) -> None:
    """Take one step: forward, backward, clip, update; or go back and say that the run has diverged."""
    model, recipe, history = training.model, training.recipe, training.history
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # looked for below, with more to say
        try:
            forward = model.run(
                batch,
                training.carried if batch.carries else None,
                rng=recipe.dropout(history.steps) if model.dropout else None,
                grad=True,
                backend=backend,
            )
            if not math.isfinite(forward.loss):
                raise _diverged(training, f"the loss is {forward.loss}")
            grads = forward.backward()
        except NotFiniteError as error:
            raise _diverged(training, f"{error}. This was found") from error
        norm = clip_by_global_norm(grads, recipe.clip or math.inf)
        if not math.isfinite(norm):
            raise _diverged(training, f"the loss is {forward.loss:.3g} but the gradient's norm is {norm}")
    _update(training, forward, grads, norm)


def _update(training: _Training, forward: Forward, grads: Arrays, norm: float) -> None:
    """Change the parameters and record the step; whatever interrupts that, it is as if it had not begun."""
    model, recipe, history = training.model, training.recipe, training.history
    record = Record(forward.loss, forward.accuracy, norm, time.perf_counter() - training.started)
    before = training.carried
    training.undo.take()
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # looked for right below
            recipe.optimizer.update(model.params, grads, training.memory, recipe.factor(history.steps))
        for what, arrays in {"parameter": model.params, "the optimiser's": training.memory}.items():
            for name, a in arrays.items():
                finite(f"{what} {name!r}", a, "the update made it so")
        training.carried = dict(forward.final)
        history.backend = forward.run.backend
        history.records.append(record)  # from here on the step counts
    except BaseException as error:
        if history.records[-1:] != [record]:
            training.carried = before
            training.undo.restore()
        if isinstance(error, NotFiniteError):
            raise TrainingDiverged(f"{error}. This was found", recipe, history, norm) from error
        raise


def _diverged(training: _Training, what: str) -> TrainingDiverged:
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


def _validate(training: _Training) -> None:
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
    new = Validation(history.steps, metrics.loss, metrics.accuracy)
    if recipe.patience is not None and History(validation=[*history.validation, new]).best is new:
        training.best = _copies(model.params)
    history.validation.append(new)


def _copies(arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {name: a.copy() for name, a in arrays.items()}


# ----------------------------------------------------------------------------------- checkpoints and the end


def _write(training: _Training, path: str | os.PathLike, last: Arrays | None = None) -> None:
    """Write all that `_resumed` needs; `last` holds the last parameters where the model has better ones."""
    arrays = {
        "optimizer": training.memory,
        "history": training.history.to_arrays(),
        "carried": training.carried or {},
        "best": training.best or {},
        "last": last or {},
    }
    recipe = checkpoints.plain(training.recipe)
    facts = {"recipe": recipe, "steps": training.history.steps, "data": training.data}
    checkpoints.save(
        path, training.model, arrays=arrays, facts=facts, overwrite=True
    )  # asked at the beginning


def _write_if_possible(training: _Training, path: str | os.PathLike) -> None:
    """Write the file; where that fails, say so and go on: more is lost by stopping."""
    try:
        _write(training, path)
    except OSError as error:
        steps = _count(training.history.steps, "step")
        warnings.warn(f"no checkpoint after {steps}, training goes on: {error}", RuntimeWarning, stacklevel=3)


def _resumed(model: Model, recipe: Recipe, path: str | os.PathLike, other_data: bool) -> _Training:
    """Return the training as it stood when the file was written, or its beginning where there is no file."""
    training = _Training(model, recipe)
    if not expand(path).exists():
        return training
    file = checkpoints.load(path)
    if not isinstance(file.facts.get("recipe"), dict):
        raise CheckpointError(
            f"{path} holds a model but no run to resume: "
            "use lstmcourse.checkpoints.load(path).restore(model), and fit without resume"
        )
    own = {**model.config, **checkpoints.plain(recipe)}
    stored = {**file.config, "equations": file.equations(model), **file.facts["recipe"]}
    refuse_differences(file.path, own, stored, "this run")
    if not other_data and (data := file.facts.get("data")) is not None and data != training.data:
        raise CheckpointError(
            f"{path} was trained on other data than {model.task.name!r} reads from the disk now: a file was "
            "changed, or Python's own sources, with its version. Put the data back, or say other_data=True "
            "to go on with what is there"
        )
    memory, last, best, carried, history = _parts(file, training)
    file.restore(model)
    for live, stored in ((model.params, last), (training.memory, memory)):
        for name, a in stored.items():
            live[name][...] = a
    training.carried, training.best, training.history = carried or None, best or None, history
    if training.history.records:
        training.started -= training.history.records[-1].seconds
    _validate(training)  # an interrupt may have come before the last one
    return training


def _parts(
    file: checkpoints.Checkpoint, training: _Training
) -> tuple[Arrays, Arrays, Arrays, Arrays, History]:
    """Return what `_write` wrote beside the parameters, if all of it is there and fits the model."""
    model, groups = training.model, ("optimizer", "last", "best", "carried", "history")
    memory, last, best, carried, columns = (file.arrays.get(group, {}) for group in groups)
    for own, stored, whose in (
        (training.memory, memory, "this run's optimizer"),
        (model.params, last or model.params, "this model"),
        (model.params, best or model.params, "this model"),
    ):
        refuse_differences(file.path, layout(own), layout(stored), whose)
    try:
        history = History.from_arrays(columns, **_chance(model))
    except (ValueError, OverflowError) as error:  # of a step that is no number, too
        raise CheckpointError(f"{file.path} is damaged: {error}. Use an earlier checkpoint") from error
    states = {i.name for i in model.cell.inputs if i.kind in ("state", "clock")}
    shapes = {s.name: tuple(d.value(model.sizes) for d in s.prev.shape) for s in model.cell.graph.states}
    unfit = [
        n for n, a in carried.items() if n in shapes and (a.dtype, a.shape[1:]) != (model.dtype, shapes[n])
    ]
    problem = ""
    if unknown := sorted(file.arrays.keys() - set(groups)):
        problem = f"no run has {', '.join(unknown)}"
    elif history.steps != file.facts.get("steps"):
        problem = f"its history has {history.steps} steps, of {file.facts.get('steps')}"
    elif carried.keys() != (states if history.steps else set()):
        problem = f"it carries the states {sorted(carried)} of {sorted(states)}"
    elif unfit:
        problem = f"the states {unfit} that it carries have other shapes or dtypes than the model's"
    elif training.recipe.patience is not None and history.validation and not best:
        problem = "the best parameters are missing"
    if problem:
        raise CheckpointError(f"{file.path} is damaged: {problem}. Use an earlier checkpoint")
    return memory, last, best, carried, history


def _end(training: _Training, path: str | os.PathLike | None) -> None:
    """Give the model its best parameters, where a run with patience was not interrupted; write the file."""
    last = None
    if training.best is not None and not training.history.interrupted:
        last = _copies(training.model.params)
        for name, a in training.best.items():
            training.model.params[name][...] = a
    if path is not None:
        _write(training, path, last)


def _check_files(
    checkpoint: object, every: int, resume: bool, overwrite: bool, schedule: Schedule | None
) -> None:
    """Find out before the training what would keep it from being stored."""
    whole("checkpoint_every", every, 0)
    if checkpoint is None:
        if every or resume:
            raise ValueError(
                f"checkpoint_every={every!r} and resume={resume!r} need checkpoint=, the path of a file"
            )
        return
    if not checkpoints.comparable(schedule):
        raise TypeError(
            f"schedule={schedule!r} cannot be stored in a checkpoint, so a run could not be resumed with the "
            "same: give one of lstmcourse.optim or a dataclass of your own, or leave checkpoint= out and use "
            "lstmcourse.checkpoints.save(path, model) at the end"
        )
    checkpoints.check_writable(checkpoint, overwrite or resume)


# ------------------------------------------------------------------------------- interrupts and progress bar


@contextmanager
def _interrupt_after_step() -> Iterator[Callable[[], bool]]:
    """Make the first interrupt wait, and the second raise; yield a function that says whether one came.

    Outside the main thread, where signals cannot be handled, and where a host program handles or ignores
    them (as in the background), nothing is changed: an interrupt that raises does so at once, and `_update`
    undoes a step that was not finished.
    """
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _progress_bar(history: History, steps: int, wanted: bool) -> Iterator[Callable[[], None]]:
    """Yield a function that moves the bar by one step; it does nothing where no bar is wanted."""
    if not wanted or os.environ.get("LSTMCOURSE_REGRESSION"):
        yield lambda: None
        return
    from .progress import bar as progress_bar

    with progress_bar(steps, history.steps, "training", "step") as bar:

        def show() -> None:
            recent = history.records[-20:]
            loss = sum(r.loss for r in recent) / len(recent)
            accuracy = sum(r.accuracy for r in recent) / len(recent)
            bar.set_postfix_str(f"loss {loss:.4g}, accuracy {accuracy:.0%}", refresh=False)
            bar.update()

        yield show
