"""`Captioner`: a network says in words what it sees, and looks at parts of the picture while it writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell, cell
from ..engine.layers import affine
from ..engine.ops import tanh
from ..errors import ShapeError
from .optim import Arrays
from .transducer import Encoded, Reading, Transducer

__all__ = ["Captioner", "Telling"]


@cell
def look(x):
    """What is seen at one place: a layer over its pixels and its place."""
    h = tanh(affine("h", W=x))
    return h


class Captioner(Transducer):
    """Show, Attend and Tell (Xu et al. 2015): a decoder that looks at the places of a picture.

    A place is seen through one layer, tanh of its pixels and of its row and column; the paper has a deep
    network here. The rest is as in `Seq2Seq`, with the places as annotations; ``attention=False`` gives the
    same decoder their mean.

    A decoder that draws where it looks (hard attention) has no gradient through the draw. The log-probability
    of a place gets the score function estimator instead (REINFORCE, Williams 1992): what the words from that
    step on cost, less a baseline, their mean over the other pictures of the batch. The baseline does not
    depend on the draw, so the estimate stays without bias; the paper's is a running mean over batches. What
    is minimised is then an upper bound of minus the log of the caption's probability.

    Parameters
    ----------
    decoder : Cell or str
        Usually ``lstmcourse.cells.attend_and_tell``, soft, or ``.with_options(attention="hard")``.
    task : Transduction or str
        Its sources are pictures, (places, B, pixels of a place).
    hidden_size : int
        Width H of the decoder, and of an annotation.
    embedding : int
        Width of a learned vector for each word.
    grid : (int, int)
        Rows and columns of places, row by row.
    attention : bool
        Whether the decoder sees all places.
    penalty : float
        Weight of Σ_l (1 - Σ_t α_tl)² in the loss, which wants each place looked at as much as any other
        ("doubly stochastic attention"). It can become 0 where a caption has as many words as there are
        places.
    entropy, entropy_halves : float, int
        Of hard attention: how much the entropy of α is raised, to keep it drawing, and after how many steps
        of training that is halved, again and again.
    sizes : mapping, optional
        Other sizes of the decoder by name, such as K; `hidden_size` if not given.
    rng : numpy.random.Generator or int, optional
        For the first parameters; 0 if not given.
    dtype : dtype
        float32 to train, float64 to check.

    Attributes
    ----------
    params : dict of str to ndarray
        ``"encoder.*"`` of the layer, ``"decoder.*"`` as the cell names them, ``"target.E"``, ``"readout.V"``,
        ``"readout.d"``. Training changes the arrays in place.

    Raises
    ------
    ValueError, TypeError
        A setting is out of range; the cell is no decoder; the task's sources are no pictures.
    UnknownNameError
        No cell or task has that name.

    References
    ----------
    K. Xu, J. Ba, R. Kiros, K. Cho, A. Courville, R. Salakhutdinov, R. Zemel, Y. Bengio, "Show, Attend and
    Tell: Neural Image Caption Generation with Visual Attention", ICML 2015.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> model = lc.Captioner("attend_and_tell", "scenes", 16, embedding=8)
    >>> history = lc.fit(model, 2, batch_size=4, progress=False)
    >>> batch = model.task.batch("test", batch_size=3)
    >>> len(model.describe(batch.source, most=5)), model.write(batch.source, most=5).alignment.shape[1:]
    (3, (3, 16))
    """

    def __init__(
        self,
        decoder: Any,
        task: Any,
        hidden_size: int = 48,
        *,
        embedding: int = 16,
        grid: tuple[int, int] = (4, 4),
        attention: bool = True,
        penalty: float = 0.0,
        entropy: float = 0.02,
        entropy_halves: int = 1000,
        sizes: dict[str, int] | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        sizes = {"hidden_size": hidden_size, "embedding": embedding, "attention": attention, "sizes": sizes}
        training = {"penalty": penalty, "entropy": entropy, "entropy_halves": entropy_halves}
        super().__init__(look, decoder, task, rng=rng, dtype=dtype, grid=grid, **sizes, **training)

    def _settle(self, encoder, decoder, task, *, grid, penalty, entropy, entropy_halves, **sizes) -> None:
        if len(checks.listed(checks.at_least(1), "of two whole numbers")("grid", grid)) != 2:
            raise ValueError(f"grid={grid!r} does not fit: it is (rows, columns)")
        self.grid = tuple(map(int, grid))
        self.penalty = float(checks.number("penalty", penalty, 0, np.inf, without=np.inf))
        self.entropy = float(checks.number("entropy", entropy, 0, np.inf, without=np.inf))
        self.entropy_halves = int(checks.whole("entropy_halves", entropy_halves, 1))
        super()._settle(encoder, decoder, task, **sizes)
        if self.task.symbols:
            raise ValueError(
                f"task={self.task!r} has words as its sources, and pictures are needed: take "
                "lstmcourse.Seq2Seq"
            )
        emits = {name: n.shape for name, n in self.decoder.graph.outputs.items()}
        if self.looking.noise and (emits.get("log_p"), emits.get("entropy")) != ((), ()):
            raise ValueError(
                f"decoder={self.decoder.name} draws by its noise {self.looking.noise!r}: it has to emit "
                "log_p, the log of the probability of what it drew, and entropy, each one number"
            )

    @classmethod
    def shapes_of(cls, cells, task, **settings) -> dict[str, tuple[int, ...]]:
        """Return the shapes that `params` have in a model of these cells and settings, without making it."""
        return super().shapes_of({"encoder": look, **cells}, task, **settings)

    @property
    def _given_cells(self) -> dict[str, Cell]:
        return {"decoder": self.decoder}

    @property
    def _input_size(self) -> int:
        return self.task.input_size + sum(self.grid)

    @property
    def config(self) -> dict[str, Any]:
        """What the model is, apart from its parameters: plain data, as a checkpoint stores it."""
        config = super().config
        config["sizes"] |= {"grid": list(self.grid)}
        training = ("penalty", "entropy", "entropy_halves")
        return config | {"training": {name: getattr(self, name) for name in training}}

    def _source(self, source, lengths, name):
        source, lengths = super()._source(source, lengths, name)
        rows, columns = self.grid
        if len(source) != rows * columns:
            raise ShapeError(
                f"{name} has {len(source)} places, and the model a grid of {rows} x {columns}; they must "
                "agree"
            )
        place = np.arange(len(source))
        code = np.hstack([np.eye(rows)[place // columns], np.eye(columns)[place % columns]])
        code = np.broadcast_to(code[:, None], (*source.shape[:2], sum(self.grid)))
        return np.concatenate([source, code.astype(source.dtype)], axis=-1), lengths

    def _summary(self, lengths, shape):
        """The mean over all places."""
        return np.full(shape, 1 / shape[0])

    def _reading(self, given: tuple, encoded: Encoded, nats: np.ndarray, step: int | None) -> Telling:
        telling = Telling(*given, encoded, nats, 0 if step is None else step)
        if self.penalty:
            more = self.penalty * float(np.square(telling.missed, dtype=np.float64).sum()) / telling.scored
            return replace(telling, loss=telling.loss + more)
        return telling

    def describe(
        self,
        pictures: np.ndarray,
        *,
        beam: int = 1,
        length_penalty: float = 1.0,
        most: int | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> list[str]:
        """Return a caption for each of some pictures, (places, B, pixels of a place).

        The other parameters are those of `write`.
        """
        written = self._write("pictures", pictures, None, beam, length_penalty, most, rng)
        return [self.task.decode_target(column) for column in written.symbols.T]


@dataclass(frozen=True, eq=False)
class Telling(Reading):
    """What `Captioner.run` gives: a `Reading` whose loss has a penalty, or whose gradient is an estimate.

    Attributes
    ----------
    nats : ndarray (T, B)
        What each word costs; 0 where none is scored.
    step : int
        Steps of training before this one.
    """

    nats: np.ndarray
    step: int

    @property
    def missed(self) -> np.ndarray:
        """How much each place lacks of having been looked at for the length of one word, (B, L)."""
        return 1 - (self.alignment * self.batch.mask[..., None]).sum(axis=0)

    def _looks(self) -> Arrays:
        model, mask = self.model, self.batch.mask
        looks = {}
        if model.penalty:
            looks[model.looking.shares] = -2 * model.penalty * self.missed * mask[..., None] / self.scored
        if model.looking.noise:
            weight = model.entropy * 0.5 ** (self.step / model.entropy_halves)
            looks["log_p"] = self.advantage / self.scored
            looks["entropy"] = -weight * mask / self.scored
        return {name: g.astype(model.dtype) for name, g in looks.items()}

    @property
    def advantage(self) -> np.ndarray:
        """What the words from each step on cost, less the mean of the other sequences there, (T, B)."""
        mask = self.batch.mask
        rest = self.nats[::-1].cumsum(axis=0)[::-1] * mask
        others = mask.sum(axis=1, keepdims=True) - mask
        return (rest - (rest.sum(axis=1, keepdims=True) - rest) / np.maximum(others, 1)) * mask
