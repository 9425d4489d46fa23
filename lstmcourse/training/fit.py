"""Train a model: `fit` takes it through its task's batches and returns a `History` that plots itself.

What a reader can do here: read `fit` from top to bottom (the loop is a page), train with it, watch it,
interrupt it and go on with all that was learnt, stop early, write checkpoints and resume from them bit for
bit.

A run is decided by its model, its `Recipe` and the number of steps. Batch n comes from
``task.stream(seed=seed, start=n)``, and dropout and whatever else step n draws from a generator seeded by
(seed, n). So the position of all that is random is the number of steps taken, and that is all a checkpoint
has to hold of it. `protocol` says what a model must have.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..checks import array, choice, function, truth, whole
from ..programs.threads import threads_for
from ..run.backends import backends, check_backend, chosen
from .history import History, Record, Validation
from .interrupts import interrupt_after_step
from .optim import get as optimizer_called
from .optim import names as optimizers
from .progress import bar_of_training
from .protocol import Trainable, trainable
from .recipe import ADAM, Recipe
from .resume import check_files, end, kept, resumed, write_if_possible
from .steps import Training, TrainingDiverged, foresee, learn, validate

if TYPE_CHECKING:
    from .optim import Optimizer, Schedule

__all__ = ["History", "Recipe", "Record", "Trainable", "TrainingDiverged", "Validation", "fit"]


def fit(
    model: Trainable,
    steps: int = 1000,
    *,
    batch_size: int = 32,
    length: int | None = None,
    optimizer: Optimizer | str = ADAM,
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
    callback: Callable[[Any, History], Any] | None = None,
    backend: str | None = None,
) -> History:
    """Train a model in place until `steps` steps have been taken, and return what happened.

    An interrupt (Ctrl-C, the notebook's stop button) lets the step in hand end; the model then keeps all
    that it has learnt, and `fit` returns normally with ``history.interrupted`` set. A second interrupt does
    not wait: the step in hand is undone.

    Parameters
    ----------
    model : Model, or another Trainable
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
        Of the batches, and of what is drawn, such as dropout. A second call with the same seed sees the same
        batches again.
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
        seconds, once. If not given, it is what `lstmcourse.use` says. Where that says nothing, a run that is
        long enough to repay that is compiled where Numba is installed: one with 20,000 steps through time in
        all, `steps` times T. So a run that is resumed with the same `steps` goes on as it began. The two
        agree to rounding; ``history.backend`` says which it was.

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
    trainable("model", model)
    whole("steps", steps, 0)
    truth("progress", progress)
    truth("resume", resume)
    truth("overwrite", overwrite)
    truth("other_data", other_data)
    if callback is not None:
        function("callback", callback, "with model and history")
    for name, p in model.params.items():
        if not array(f"parameter {name!r}", p).flags.writeable:
            raise ValueError(
                f"parameter {name!r} is read-only, and training changes it in place; give a copy, "
                f"model.params[{name!r}] = model.params[{name!r}].copy()"
            )
    if isinstance(optimizer, str):
        optimizer = optimizer_called(choice("optimizer", optimizer, optimizers()))
    recipe = Recipe(
        optimizer,
        schedule, clip, batch_size, length, seed, validate_every, validation_batches, patience,
    )  # fmt: skip
    check_files(checkpoint, checkpoint_every, resume, overwrite, schedule)
    backend = backend if backend is None else check_backend(backend)
    training = resumed(model, recipe, checkpoint, other_data) if resume else Training(model, recipe)
    history = training.history
    foresee(training, steps)
    batches = recipe.batches(model, start=history.steps)
    with interrupt_after_step() as interrupted:
        try:
            first = next(batches)
            backend = backend or chosen() or _worthwhile(steps * len(first.mask))
            batches = itertools.chain([first], batches)
            # Compiled programs see to their threads; those of a library would spin beside them.
            work = 0 if backend == "numba" else model.work(batch_size)
            at_end = None if checkpoint_every else checkpoint
            with kept(training, at_end), threads_for(work), bar_of_training(history, steps, progress) as show:
                while not (training.finished(steps) or interrupted()):
                    learn(training, next(batches), backend)
                    validate(training)
                    show()
                    if checkpoint_every and history.steps % checkpoint_every == 0:
                        write_if_possible(training, checkpoint)
                    if callback is not None and callback(model, history) is True:
                        break
        except KeyboardInterrupt:
            history.interrupted = True
        history.interrupted |= interrupted()
        with kept(training):
            end(training, checkpoint)
    return history


COMPILED = 20_000
"""From how many steps through time, in all, a run is compiled: there it repays the loading of Numba."""


def _worthwhile(times: int) -> str:
    """The back-end of a run of so many steps through time that names none."""
    return "numba" if times >= COMPILED and "numba" in backends() else "numpy"
