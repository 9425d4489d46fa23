"""Bach's chorales note by note: a network that reads each chord from below, and sings.

What a reader can do here: let the stored network sing with `sing`, which needs no data; train it again with
`train_choir`, which needs the file of `lstmcourse.tasks.Chorales`. Its weights are written by
``python -m lstmcourse.course.choir``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import cells
from ..checks import at_least, generator, given
from ..engine import numeric
from ..files import tensors
from ..run.backends import backends
from ..run.unroll import unroll
from ..tasks.base import Batch, Task, entropy
from ..tasks.chorales import LOWEST, NOTES, Chorales
from ..tasks.text import MissingSourceError
from ..training import optim
from ..training.fit import fit
from ..training.model import Model

__all__ = ["CHOIR", "NoteByNote", "bach", "sing", "train_choir"]

CHOIR = Path(__file__).with_name("models") / "choir.safetensors"
DIGEST = "315f26fca5b358fb822a7df9ee11f595"  # of jsb-chorales-quarter.json
UPDATES, BATCH = 300, 8
SINGING = {"hidden": 58, "learning_rate": 3e-2}
SOON = 20  # updates after which the loss is noted in the file
END = NOTES  # the symbol that ends a chord


def bach(kind: type[Chorales] = Chorales, **options: Any) -> Any:
    """Return the chorales, as one of the tasks that read them.

    Raises
    ------
    MissingSourceError
        The file is not here, or it is another one.
    """
    task = kind(**options)
    if task.data_digest() != DIGEST:
        raise MissingSourceError(
            f"path={task.path!r} is not the file of 382 chorales on which the stored results rest; "
            "docs/data.md says where it is, and its digest"
        )
    return task


@dataclass(frozen=True)
class NoteByNote(Chorales):
    """The chorales as one row of symbols: the notes of each chord from below, then the sign that it ends.

    A chord and its row say the same, so nats a chord can be compared with those of `Chorales`.
    """

    name: ClassVar[str] = "chorales note by note"
    loss: ClassVar[str] = "cross_entropy"
    joiner: ClassVar[str] = " "

    @property
    def symbols(self) -> tuple[str, ...]:
        """88 notes, as MIDI numbers, and "|"."""
        return (*map(str, range(LOWEST, LOWEST + NOTES)), "|")

    @property
    def input_size(self) -> int:
        """89 symbols."""
        return NOTES + 1

    @property
    def output_size(self) -> int:
        """89 symbols."""
        return NOTES + 1

    @property
    def chance(self) -> float:
        """Entropy of the symbols over all pieces."""
        batch = self.whole("all")
        return entropy(np.bincount(batch.y[batch.mask]) / batch.mask.sum())

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Whether the likeliest symbol comes, (T, B)."""
        return Task.correct(self, prediction, batch)

    def _batch(self, pieces, dtype):
        rows = [np.concatenate([[*np.flatnonzero(chord), END] for chord in piece]) for piece in pieces]
        lengths = np.array([len(row) for row in rows], np.int64)
        y = np.zeros((lengths.max(), len(rows)), np.int64)
        for b, row in enumerate(rows):
            y[: len(row), b] = row
        mask = np.arange(len(y))[:, None] < lengths
        x = np.concatenate([np.full_like(y[:1], END), y[:-1]]) * mask
        return Batch(x, y, mask, lengths)


def trained(model: Any, learning_rate: float, seed: int, stop: int | None = None) -> Any:
    """Train a model at a rate that falls to 0 along a cosine, or for the first `stop` updates of that."""
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(UPDATES)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, UPDATES if stop is None else stop, backend=backends()[-1], **how)
    return model


@given(seed=at_least(0), stop=at_least(1, UPDATES))
def train_choir(seed: int = 0, *, stop: int = UPDATES) -> Model:
    """Train an LSTM on the chorales note by note, in about half a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters and the pieces. The stored network has 0.
    stop : int
        The update after which to stop, of 300.

    Returns
    -------
    Model

    Raises
    ------
    MissingSourceError
        The file of `lstmcourse.tasks.Chorales` is not here, or is another one.
    """
    model = Model("lstm", bach(NoteByNote), SINGING["hidden"], rng=np.random.default_rng(seed))
    return trained(model, SINGING["learning_rate"], seed, stop)


@given(chords=at_least(1, 10_000))
def sing(chords: int = 16, rng: np.random.Generator | int | None = None) -> list[list[int]]:
    """Let the stored network sing: each note is drawn with its probability, then read.

    Parameters
    ----------
    chords : int
        How many.
    rng : numpy.random.Generator or int, optional
        0 if not given.

    Returns
    -------
    list of list of int
        For each quarter the notes that sound, lowest first, as MIDI numbers.

    Examples
    --------
    >>> [len(chord) for chord in sing(4, rng=0)]
    [4, 4, 4, 4]
    """
    rng = generator("rng", rng, default=0)
    params = {name: p.astype(np.float64) for name, p in tensors.read(CHOIR)[0].items()}
    V, d = params.pop("readout.V"), params.pop("readout.d")
    inside = {name.removeprefix("cell."): p for name, p in params.items()}
    sung, state, symbol = [[]], None, END
    while True:
        run = unroll(cells.lstm, inside, np.eye(NOTES + 1)[symbol][None, None], state=state)
        state = run.final
        upto = numeric.softmax(run["h"][0, 0] @ V + d, -1).cumsum()
        symbol = int(np.searchsorted(upto, rng.random() * upto[-1], side="right"))
        if symbol != END:
            sung[-1].append(LOWEST + symbol)
        elif len(sung) == chords:
            return sung
        else:
            sung.append([])


def main() -> None:
    """Train the network and write its file."""
    soon = train_choir(stop=SOON).evaluate("validation").loss
    facts = {"updates": str(UPDATES), "seed": "0", "loss soon": f"{soon:.6g}"}
    tensors.write(CHOIR, train_choir().params, facts)


if __name__ == "__main__":
    main()
