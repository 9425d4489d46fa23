"""A model: a cell, with what turns symbols into its input, what reads its output, and the loss of a task.

What a reader can do here: build a `Model` for a cell and a task; ask it for its loss, its gradients
(`Model.loss_and_gradients`), its predictions (`Model.predict`), how well it does (`Model.evaluate`), and
for text of its own (`Model.sample`). `lstmcourse.fit` trains it.

The forward pass is `Model.run`, the backward pass `Forward.backward`: symbols → vectors → `unroll` → the
steps that are scored → read-out → loss, and back. A loss is one row of `LOSSES`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell
from ..errors import DtypeError, ShapeError, UnknownNameError
from ..run.step import Stepping
from ..run.unroll import unroll
from ..tasks.base import Batch, Task
from .equations import digest
from .forward import Forward, at, scored_steps
from .given import as_cell, as_task, check_settings
from .losses import LOSSES
from .network import OVERFLOW, Network, check_indices, check_step
from .optim import Arrays
from .plain import plain
from .protocol import Metrics
from .sampling import check_can_sample, draw

__all__ = ["Metrics", "Model"]


class Model(Network):
    """A recurrent network for a task: embedding (where symbols come in), cell, linear read-out, loss.

    Parameters
    ----------
    cell : Cell or str
        A cell, a stack, a bidirectional one, or a cell's name.
    task : Task or str
        Says what comes in and out and which loss counts; a task, or the name of one in ``lstmcourse.tasks``.
    hidden_size : int
        Width H of the cell.
    embedding : int, optional
        Width of a learned vector for each symbol. Without it symbols come in one-hot.
    dropout : float
        Share of the read-out's inputs that is dropped in training, and of what passes between the layers
        of a stack made with ``stack([...], dropout=True)`` (Zaremba et al. 2014). What is kept is scaled up,
        so that nothing changes where nothing is dropped.
    rng : numpy.random.Generator or int, optional
        For the first parameters; 0 if not given.
    dtype : dtype
        float32 to train, float64 to check.

    Attributes
    ----------
    params : dict of str to ndarray
        ``"cell.*"`` as the cell names them, ``"readout.V"`` (width, K), ``"readout.d"`` (K,), and with
        `embedding` ``"embedding.E"`` (symbols, embedding). Training changes the arrays in place.

    Raises
    ------
    ValueError, TypeError
        A size or the dropout is out of range; an embedding is asked for where no symbols come in; what was
        given is no cell, or no task.
    UnknownNameError
        No cell, task or loss has that name.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=16)
    >>> model.params["readout.V"].shape
    (16, 1)
    """

    def __init__(
        self,
        cell: Any,
        task: Any,
        hidden_size: int = 64,
        *,
        embedding: int | None = None,
        dropout: float = 0.0,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        cell, task = as_cell(cell), as_task(task)
        check_settings(task, hidden_size, embedding, dropout)
        self.cell, self.task, self.hidden_size = cell, task, int(hidden_size)
        self.embedding = None if embedding is None else int(embedding)
        self.dropout, self.dtype = float(dropout), checks.dtype(dtype)
        self.params = self._first_parameters(checks.generator("rng", rng, default=0))

    def _first_parameters(self, rng: np.random.Generator) -> Arrays:
        """Draw the cell as it says itself; V uniform in ±1/√width (LeCun et al. 1998), d 0, E normal."""
        width, outputs = self.cell.output_size(self.hidden_size), self.task.output_size
        inputs = self.embedding or self.task.input_size
        cell = self.cell.init(input_size=inputs, hidden_size=self.hidden_size, rng=rng, dtype=self.dtype)
        params = {f"cell.{name}": p for name, p in cell.items()}
        if self.embedding:
            params["embedding.E"] = rng.normal(size=(self.task.input_size, inputs)).astype(self.dtype)
        bound = 1 / math.sqrt(width)
        params["readout.V"] = rng.uniform(-bound, bound, size=(width, outputs)).astype(self.dtype)
        params["readout.d"] = np.zeros(outputs, dtype=self.dtype)
        return params

    @staticmethod
    def parameter_shapes(
        cell: Cell, task: Task, hidden_size: int, embedding: int | None = None
    ) -> dict[str, tuple[int, ...]]:
        """Return the shapes that `params` have in a model of this cell, without making one.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> Model.parameter_shapes(lc.cells.rnn, lc.tasks.get("adding"), 10**9)["cell.U_h"]
        (1000000000, 1000000000)
        """
        cell, task = as_cell(cell), as_task(task)
        check_settings(task, hidden_size, embedding, 0.0)
        inputs, width = embedding or task.input_size, cell.output_size(hidden_size)
        shapes = {f"cell.{k}": shape for k, shape in cell.parameter_shapes(inputs, hidden_size).items()}
        if embedding:
            shapes["embedding.E"] = (task.input_size, inputs)
        return shapes | {"readout.V": (width, task.output_size), "readout.d": (task.output_size,)}

    @classmethod
    def shapes_of(cls, cells, task, *, hidden_size, embedding, **_) -> dict[str, tuple[int, ...]]:
        """Return what `parameter_shapes` does, of the cell under its part's name."""
        return cls.parameter_shapes(cells["cell"], task, hidden_size, embedding)

    # ---------------------------------------------------------------------------------- forward and backward

    def run(
        self,
        batch: Any,
        state: Mapping[str, np.ndarray] | None = None,
        *,
        rng: np.random.Generator | None = None,
        grad: bool = False,
        backend: str | None = None,
        step: int | None = None,
    ) -> Forward:
        """Pass a batch forward, as far as the loss.

        Parameters
        ----------
        batch : Batch
            x (T, B, D) or symbols (T, B), targets, mask and lengths; for a lattice (`lstmcourse.cells.grid`)
            x (T, B, N, D), and a target and a mask for each of its places, (T, B, N).
        state : dict, optional
            First states, each (B, ...): the `Forward.final` of the batch before, where the batch carries on
            from it.
        rng : numpy.random.Generator, optional
            Draws the dropout; without it nothing is dropped.
        grad : bool
            Keep what `Forward.backward` needs.
        backend : str, optional
            What computes the cell, as `lstmcourse.unroll` takes it.
        step : int, optional
            In training, the number of steps taken before; the loss of a `Model` is the same at each.

        Raises
        ------
        ValueError
            No step is scored; a symbol or a class is out of range; shapes do not fit.
        """
        checks.instance("batch", batch, Batch, "model.task.batch(batch_size=4)")
        checks.truth("grad", grad)
        check_step(step)
        rng = None if rng is None else checks.generator("rng", rng)
        run = self._unrolled(batch.x, state, batch.lengths, rng, grad, backend, "batch.x")
        h = run[self.cell.output]
        scored = scored_steps(batch.mask, h.shape[:-1])
        h = at(h, scored, h.ndim - 1)
        keep = self._kept(h.shape, rng)
        features = h if keep is None else h * keep
        y = self._targets(batch, scored)
        value, prediction = LOSSES[self.task.loss].judge(self._read(features), y)
        loss = float(value.mean(dtype=np.float64))
        return Forward(self, batch, run, loss, len(value), prediction, scored, features, keep, y)

    def predict(
        self,
        x: np.ndarray,
        *,
        lengths: np.ndarray | None = None,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Return what the model says at every step, (T, B, K): probabilities, or values for loss "mse"."""
        return self.read_out(self.unroll(x, lengths=lengths, state=state)[self.cell.output])

    def read_out(self, h: np.ndarray) -> np.ndarray:
        """Return what the model says where its output is h: (..., width) to (..., K), as `predict` does."""
        h = checks.array("h", h, "f")
        if h.dtype != self.dtype:
            raise DtypeError(f"h is {h.dtype}, and the model {self.dtype}; convert it")
        width = len(self.params["readout.V"])
        if not h.ndim or h.shape[-1] != width:
            raise ShapeError(f"h has shape {h.shape}; the read-out takes (..., {width}), the cell's output")
        return LOSSES[self.task.loss].predict(self._read(h))

    def unroll(
        self,
        x: np.ndarray,
        *,
        lengths: np.ndarray | None = None,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> Any:
        """Run the cell over an input, symbols (T, B) or numbers (T, B, D), and return the `Run`: its states
        and named equations at every step.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("agreement"), hidden_size=8)
        >>> words = model.task.encode("the queen is tired")
        >>> model.unroll(words[:, None])["f"].shape
        (4, 1, 8)
        """
        return self._unrolled(x, state, lengths, None, False)

    def _unrolled(self, x, state, lengths, rng, grad, backend=None, name="x"):
        x = self._vectors(checks.array(name, x), name)
        params, inputs = self._cell_params(), self._masks(x.shape[:2], rng)
        how = {"state": state, "lengths": lengths, "inputs": inputs, "grad": grad, "backend": backend}
        return unroll(self.cell, params, x, **how)

    def _cell_params(self) -> Arrays:
        return self._part("cell")

    def _vectors(self, x: np.ndarray, name: str = "x") -> np.ndarray:
        """Symbols (...,) → their rows of E, or one-hot (..., D). Numbers stay as they are."""
        if self.task.symbols is None:
            return x
        count = self.task.input_size
        check_indices(name, x, count, "symbols")
        if self.embedding:
            return self.params["embedding.E"][x]
        vectors = np.zeros((x.size, count), dtype=self.dtype)
        vectors[np.arange(x.size), x.ravel()] = 1
        return vectors.reshape(*x.shape, count)

    def _targets(self, batch, scored):
        y, classes = checks.array("batch.y", batch.y), self.task.loss == "cross_entropy"
        shape = batch.mask.shape if classes else (*batch.mask.shape, self.task.output_size)
        checks.same_shape("batch.y", y, "the targets of this batch have", shape)
        chosen = at(y, scored, batch.mask.ndim)
        if classes:
            check_indices("batch.y", chosen, self.task.output_size, "classes")
            return chosen
        if not np.isfinite(chosen).all():
            checks.finite("batch.y", np.where(batch.mask[..., None], y, 0), "look for it in the task")
        return chosen.astype(self.dtype, copy=False)

    # ----------------------------------------------------------------------------------------------- dropout

    def _kept(self, shape: tuple[int, ...], rng: np.random.Generator | None) -> np.ndarray | None:
        """Draw 0 with probability `dropout`, else 1 / (1 − dropout); None where nothing is dropped."""
        if rng is None or not self.dropout:
            return None
        keep = rng.random(shape, dtype=np.float32) >= self.dropout
        return keep * self.dtype.type(1 / (1 - self.dropout))

    def _masks(self, shape: tuple[int, int], rng: np.random.Generator | None) -> Arrays | None:
        """Draw ``"1.mask"``, ... of a ``stack(..., dropout=True)``; ones where nothing is dropped."""
        sizes = {"D": self.embedding or self.task.input_size, "H": self.hidden_size}
        masks = {}
        for node in self.cell.graph.leaves("noise"):
            whole = (*shape, *(size.value(sizes) for size in node.shape))
            keep = self._kept(whole, rng)
            masks[node.name] = np.ones(whole, self.dtype) if keep is None else keep
        return masks or None

    # ---------------------------------------------------------------------------------------- another model

    def with_cell(self, cell: Any) -> Model:
        """Return a model that shares this one's parameters and uses them in another cell.

        Parameters
        ----------
        cell : Cell or str
            With the same parameters: usually ``model.cell.override(f=1.0)``, to see what a gate is good for.

        Raises
        ------
        ValueError
            The cell's parameters are not those of the model's own.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=8)
        >>> model.with_cell(model.cell.override(f=1.0)).cell
        <cell lstm: states h, c; parameters W_f, ..., U_o, b_o, f held at 1>
        """
        cell = as_cell(cell)
        inputs = self.embedding or self.task.input_size
        wanted = cell.parameter_shapes(inputs, self.hidden_size)
        own = {name: p.shape for name, p in self._cell_params().items()}
        if wanted != own:
            differ = sorted({name for name, _ in wanted.items() ^ own.items()})
            raise ValueError(
                f"cell={cell.name}: its parameters are not those of this model's {self.cell.name}: "
                f"{', '.join(differ)} differ; give a cell made of it, such as model.cell.override(f=1.0)"
            )
        other = copy.copy(self)
        other.cell = cell
        return other

    # ----------------------------------------------------------------------------------------------- sampling

    def sample(
        self,
        prompt: Any,
        length: int,
        *,
        temperature: float = 1.0,
        rng: np.random.Generator | int | None = None,
    ) -> Any:
        """Continue a prompt: read it, then draw one symbol after another, each read in turn.

        Where `lstmcourse.use` says "numba", steps are compiled; what is drawn is the same, to rounding.

        Parameters
        ----------
        prompt : str or sequence of int
            At least one symbol; text is encoded by the task.
        length : int
            How many symbols to draw.
        temperature : float
            Divides the scores: below 1 bolder, above 1 wilder; 0 always takes the likeliest.
        rng : numpy.random.Generator or int, optional
            0 if not given.

        Returns
        -------
        str or ndarray of int
            The continuation, without the prompt; text for text.

        Raises
        ------
        ValueError
            The task does not predict its own symbols, the cell reads backwards, or the prompt is empty.
        """
        check_can_sample(self, temperature, length)
        rng = checks.generator("rng", rng, default=0)
        try:
            symbols = checks.array("prompt", self.task.encode(prompt) if isinstance(prompt, str) else prompt)
        except UnknownNameError as error:
            raise UnknownNameError(f"prompt: {error}") from None
        if symbols.ndim != 1 or not len(symbols):
            raise ValueError(f"prompt must be one or more symbols in a row; got shape {symbols.shape}")
        check_indices("prompt", symbols, self.task.input_size, "symbols")
        self._refuse_broken("it can draw no symbol")
        continuation = self._continue(symbols, temperature, rng)
        drawn = np.fromiter(islice(continuation, length), dtype=np.int64, count=length)
        return self.task.decode(drawn) if isinstance(prompt, str) else drawn

    def _continue(self, symbols: np.ndarray, temperature: float, rng: np.random.Generator) -> Iterator[int]:
        """Yield symbols without end, one step of the cell for each."""
        step, state = Stepping(self.cell, self._cell_params()), None
        masks = {name: mask[0] for name, mask in (self._masks((1, 1), None) or {}).items()}
        with np.errstate(over="ignore", invalid="ignore"):
            for x in self._vectors(symbols)[:-1]:
                state = step(x[None], state, **masks)
        symbol = symbols[-1]
        while True:
            with np.errstate(over="ignore", invalid="ignore"):
                state = step(self._vectors(np.array([symbol])), state, **masks)
                z = checks.finite("the read-out", self._read(state[self.cell.output])[0], OVERFLOW)
            if self.task.unknown is not None:
                z[self.task.unknown] = -np.inf  # it stands for no character in particular
            symbol = draw(z, temperature, rng)
            yield symbol

    # ----------------------------------------------------------------------------------------------- display

    @property
    def parameter_count(self) -> int:
        """How many numbers training changes."""
        inputs = self.embedding or self.task.input_size
        rest = sum(p.size for name, p in self.params.items() if not name.startswith("cell."))
        return rest + self.cell.parameter_count(input_size=inputs, hidden_size=self.hidden_size)

    def work(self, batch_size: int) -> int:
        """Return how much there is to multiply in a step through time, for the choice of threads."""
        return batch_size * self.hidden_size**2

    @property
    def carried_shapes(self) -> dict[str, tuple[int, ...] | None]:
        """States that a batch leaves to the next, by name, with the shape of each for one sequence; None for
        the clock, and where a batch decides it, as it does the columns of a lattice.
        """
        shapes, sizes = {i.name: None for i in self.cell.inputs if i.kind in ("state", "clock")}, self.sizes
        for state in self.cell.graph.states:
            if all(sizes.keys() >= set(d.names) for d in state.prev.shape):
                shapes[state.name] = tuple(d.value(sizes) for d in state.prev.shape)
        return shapes

    @property
    def config(self) -> dict[str, Any]:
        """What the model is, apart from its parameters: plain data, as a checkpoint stores it."""
        return {
            "cell": self.cell.name,
            "options": plain(self.cell.options),
            "equations": digest(self.cell, self.sizes),
            "hidden_size": self.hidden_size,
            "embedding": self.embedding,
            "dropout": self.dropout,
            "dtype": str(self.dtype),
            "task": plain(self.task.config()),
        }

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that the cell's shapes are made of, by name."""
        return self.cell.sizes(self.embedding or self.task.input_size, self.hidden_size)

    def __repr__(self) -> str:
        inputs = f"{self.task.input_size} {'inputs' if self.task.symbols is None else 'symbols'}"
        if self.embedding:
            inputs += f" -> {self.embedding}"
        return checks.encodable(
            f"Model({self.cell.name}: {inputs} -> {self.hidden_size} -> {self.task.output_size} "
            f"for {self.task.name}, {self.task.loss}; {self.parameter_count:,} parameters, {self.dtype})"
        )
