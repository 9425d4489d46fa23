"""Training in a checkpoint: written as it goes, and taken up again bit for bit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ..checks import whole
from ..files.paths import expand
from .checkpoints import Checkpoint, CheckpointError, check_writable, layout, load, refuse_differences, save
from .history import History, count
from .plain import comparable, plain
from .steps import Training, TrainingDiverged, chance, copies, validate

if TYPE_CHECKING:
    from .optim import Arrays, Schedule
    from .protocol import Trainable
    from .recipe import Recipe

__all__ = ["check_files", "end", "kept", "resumed", "write_if_possible"]


def check_files(
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
    if not comparable(schedule):
        raise TypeError(
            f"schedule={schedule!r} cannot be stored in a checkpoint, so a run could not be resumed with the "
            "same: give one of lstmcourse.optim or a dataclass of your own, or leave checkpoint= out and use "
            "lstmcourse.checkpoints.save(path, model) at the end"
        )
    check_writable(checkpoint, overwrite or resume)


def resumed(model: Trainable, recipe: Recipe, path: str | os.PathLike, other_data: bool) -> Training:
    """Return the training as it stood when the file was written, or its beginning where there is no file."""
    training = Training(model, recipe)
    if not expand(path).exists():
        return training
    file = load(path)
    if not isinstance(file.facts.get("recipe"), dict):
        raise CheckpointError(
            f"{path} holds a model but no run to resume: "
            "use lstmcourse.checkpoints.load(path).restore(model), and fit without resume"
        )
    own = {**model.config, **plain(recipe)}
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
    validate(training)  # an interrupt may have come before the last one
    return training


def _parts(file: Checkpoint, training: Training) -> tuple[Arrays, Arrays, Arrays, Arrays, History]:
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
        history = History.from_arrays(columns, **chance(model))
    except (ValueError, OverflowError) as error:  # of a step that is no number, too
        raise CheckpointError(f"{file.path} is damaged: {error}. Use an earlier checkpoint") from error
    shapes = model.carried_shapes
    unfit = [
        n for n, a in carried.items() if shapes.get(n) is not None and _of_one(a) != (model.dtype, shapes[n])
    ]
    problem = ""
    if unknown := sorted(file.arrays.keys() - set(groups)):
        problem = f"no run has {', '.join(unknown)}"
    elif history.steps != file.facts.get("steps"):
        problem = f"its history has {history.steps} steps, of {file.facts.get('steps')}"
    elif carried.keys() != (shapes.keys() if history.steps else set()):
        problem = f"it carries the states {sorted(carried)} of {sorted(shapes)}"
    elif unfit:
        problem = f"the states {unfit} that it carries have other shapes or dtypes than the model's"
    elif training.recipe.patience is not None and history.validation and not best:
        problem = "the best parameters are missing"
    if problem:
        raise CheckpointError(f"{file.path} is damaged: {problem}. Use an earlier checkpoint")
    return memory, last, best, carried, history


def _of_one(state: np.ndarray) -> tuple[np.dtype, tuple[int, ...]]:
    """The dtype of states (B, ...), and the shape for one sequence."""
    return state.dtype, state.shape[1:]


def _write(training: Training, path: str | os.PathLike, last: Arrays | None = None) -> None:
    """Write all that `resumed` needs; `last` holds the last parameters where the model has better ones."""
    arrays = {
        "optimizer": training.memory,
        "history": training.history.to_arrays(),
        "carried": training.carried or {},
        "best": training.best or {},
        "last": last or {},
    }
    recipe = plain(training.recipe)
    facts = {"recipe": recipe, "steps": training.history.steps, "data": training.data}
    save(path, training.model, arrays=arrays, facts=facts, overwrite=True)  # asked at the beginning


def write_if_possible(training: Training, path: str | os.PathLike) -> None:
    """Write the file; where that fails, say so and go on: more is lost by stopping."""
    try:
        _write(training, path)
    except OSError as error:
        steps = count(training.history.steps, "step")
        warnings.warn(f"no checkpoint after {steps}, training goes on: {error}", RuntimeWarning, stacklevel=3)


def end(training: Training, path: str | os.PathLike | None) -> None:
    """Give the model its best parameters, where a run with patience was not interrupted; write the file."""
    last = None
    if training.best is not None and not training.history.interrupted:
        last = copies(training.model.params)
        for name, a in training.best.items():
            training.model.params[name][...] = a
    if path is not None:
        _write(training, path, last)


@contextmanager
def kept(training: Training, checkpoint: str | os.PathLike | None = None) -> Iterator[None]:
    """Let an error carry the history, and write the file that would have been written at the end."""
    try:
        yield
    except TrainingDiverged:  # it has the history, and the parameters have gone back from there
        raise
    except Exception as error:
        error.history = training.history
        error.add_note(f"after {count(training.history.steps, 'step')}: the model has what it learnt")
        if checkpoint is not None and training.history.records:
            write_if_possible(training, checkpoint)
        raise
