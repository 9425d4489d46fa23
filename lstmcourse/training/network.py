"""What models share: parameters by name, the loss of a batch with its gradients, evaluation, pickles."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import checks
from ..aliases import is_public, unpickled
from ..errors import UnknownNameError, nearest
from ..programs.threads import threads_for
from .given import as_task, same_interface
from .protocol import Metrics, Pass

if TYPE_CHECKING:
    from ..cell import Cell
    from .optim import Arrays

__all__ = ["Network"]


BROKEN = "train this network again, or take its parameters from a checkpoint"
OVERFLOW = f"numbers overflow on the way there: {BROKEN}"


class Network:
    """Base of what `fit` trains; see `Trainable` for what a subclass has beside this.

    Its passes have one member more, ``scored``: over how many steps their loss is the mean.
    """

    task: Any
    dtype: np.dtype
    params: Arrays

    @classmethod
    def of(cls, cells: Mapping[str, Cell], task: Any, **settings: Any) -> Network:
        """Return a new model of these cells, by the part that each plays, as its `config` says."""
        return cls(**cells, task=task, **settings)

    @classmethod
    def shapes_of(cls, cells: Mapping[str, Cell], task: Any, **settings: Any) -> dict[str, tuple[int, ...]]:
        """Return the shapes that `params` have in such a model, without making it."""
        raise NotImplementedError

    def run(self, batch: Any, state: Mapping[str, np.ndarray] | None = None, **how: Any) -> Pass:
        """Pass a batch forward, as far as the loss."""
        raise NotImplementedError

    @property
    def carried_shapes(self) -> Mapping[str, tuple[int, ...] | None]:
        """States that a batch leaves to the next, by name, with the shape of each for one sequence."""
        return {}

    def loss(self, batch: Any, state: Mapping[str, np.ndarray] | None = None) -> float:
        """Return the mean loss over the scored steps of a batch."""
        return self.run(batch, state).loss

    def loss_and_gradients(
        self,
        batch: Any,
        state: Mapping[str, np.ndarray] | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, Arrays]:
        """Return the mean loss over the scored steps and its gradient for every name in `params`."""
        forward = self.run(batch, state, rng=rng, grad=True)
        return forward.loss, forward.backward()

    def evaluate(
        self,
        split: str = "test",
        *,
        batches: int = 8,
        batch_size: int = 32,
        length: int | None = None,
        seed: int = 0,
        task: Any = None,
    ) -> Metrics:
        """Measure loss and accuracy over `batches` batches of a split, without dropout.

        The same arguments give the same batches. Where batches carry on from one another, so does the state.

        Parameters
        ----------
        split : str
            One of the task's splits: "train", "validation", "test", "all".
        batches, batch_size, length, seed
            As the task's `stream` takes them.
        task : Task or str, optional
            Another task with the same inputs, outputs and loss; the model's own if not given.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Model(lc.cells.rnn, lc.tasks.get("adding"), hidden_size=8)
        >>> model.evaluate(batches=2, batch_size=16).scored
        32

        Raises
        ------
        NotFiniteError
            A parameter or the loss of a batch is NaN or infinite.
        """
        checks.whole("batches", batches, 1, 10**6)
        self._refuse_broken("it has no loss")
        task = self.task if task is None else same_interface(self.task, as_task(task))
        stream = task.stream(split, batch_size=batch_size, seed=seed, length=length, dtype=self.dtype)
        loss = hits = scored = 0.0
        state = None
        for n, batch in enumerate(islice(stream, batches), 1):
            with threads_for(self.work(batch_size)), np.errstate(over="ignore", invalid="ignore"):
                forward = self.run(batch, state if carries(batch) else None)
            checks.finite(f"the loss of {split} batch {n}", np.array([forward.loss]), OVERFLOW)
            state = forward.final
            loss += forward.loss * forward.scored
            hits += forward.accuracy * forward.scored
            scored += forward.scored
        return Metrics(loss / scored, hits / scored, int(scored))

    def with_task(self, task: Any) -> Self:
        """Return a model that shares this one's parameters and is trained and tested on another task.

        Raises
        ------
        ValueError
            The task's inputs, outputs or loss are not those of the model's own.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> short, long = (lc.tasks.Agreement(gap=gap) for gap in (0, 4))
        >>> model = lc.Model(lc.cells.lstm, short, hidden_size=8)
        >>> model.with_task(long).params is model.params
        True
        """
        other = copy.copy(self)
        other.task = same_interface(self.task, as_task(task))
        return other

    def with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        """Return a model of the same make with some parameters replaced; the others are shared.

        Raises
        ------
        ValueError
            A name is none of the model's, or a shape or dtype differs.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=8)
        >>> other = model.with_params({"cell.b_f": np.full(8, 5.0, np.float32)})
        >>> float(other.params["cell.b_f"][0]), float(model.params["cell.b_f"][0])
        (5.0, 1.0)
        """
        new = {}
        for name, p in checks.mapping("params", params, "of arrays by name, as model.params").items():
            if name not in self.params:
                raise UnknownNameError(
                    f"params has {name!r}, but the model has no {name!r}: {nearest(name, self.params)}"
                )
            own, p = self.params[name], checks.array(f"params[{name!r}]", p)
            if p.shape != own.shape or p.dtype != own.dtype:
                raise ValueError(
                    f"params[{name!r}], {name}, is {p.dtype} of shape {p.shape}; the model needs "
                    f"{own.dtype} of shape {own.shape}"
                )
            new[name] = p if p.flags.writeable else p.copy()  # training changes it in place
        other = copy.copy(self)
        other.params = self.params | new
        return other

    def _part(self, part: str) -> Arrays:
        """The parameters of a part, without its name before them."""
        return {
            name.removeprefix(f"{part}."): p for name, p in self.params.items() if name.startswith(f"{part}.")
        }

    def _read(self, h: np.ndarray) -> np.ndarray:
        z = h.reshape(-1, h.shape[-1]) @ self.params["readout.V"]  # one product, however many axes
        z += self.params["readout.d"]
        return z.reshape(*h.shape[:-1], z.shape[-1])

    def _refuse_broken(self, so: str) -> None:
        """NotFiniteError where a parameter is NaN or infinite."""
        for name, p in self.params.items():
            checks.finite(f"parameter {name!r}", p, f"{so}: {BROKEN}")

    def __reduce__(self) -> tuple:
        """A pickle names the class by its public name, so that modules may move."""
        if not is_public(type(self)):
            return copyreg.__newobj__, (type(self),), dict(self.__dict__)
        return unpickled, (type(self).__name__, dict(self.__dict__))


def carries(batch: Any) -> bool:
    """Whether a batch carries on from the one before."""
    return getattr(batch, "carries", False)


def check_step(step: int | None) -> None:
    """Refuse what is no number of steps."""
    if step is not None:
        checks.whole("step", step, 0)


def check_indices(name: str, values: np.ndarray, count: int, what: str) -> None:
    """Refuse symbols or classes that are no whole numbers below `count`."""
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} must hold {what} as integers 0 to {count - 1}; got {values.dtype}")
    if values.size and not (0 <= values.min() and values.max() < count):
        raise ValueError(
            f"{name} must hold {what} 0 to {count - 1}; got values from {values.min()} to {values.max()}"
        )
