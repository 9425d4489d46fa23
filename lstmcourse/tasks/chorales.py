"""`Chorales`: the next chord of a chorale by Bach, from a file that the reader fetches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import checks
from ..checks import choice, shown
from ..errors import FileError
from ..files.paths import expand
from ..files.whole import opened, parse_json
from .base import SPLITS, Batch, Task, entropy
from .text import MissingSourceError

LOWEST, NOTES = 21, 88
"""A piano's keys: MIDI numbers 21 to 108."""

HERE = "$LSTMCOURSE_CHORALES"
WHENCE = (
    "Fetch jsb-chorales-quarter.json from https://github.com/czhuang/JSB-Chorales-dataset, and give its "
    "path, or set the environment variable LSTMCOURSE_CHORALES to it"
)
_PARTS = {"train": "train", "validation": "valid", "test": "test"}


@dataclass(frozen=True)
class Chorales(Task):
    """Which of 88 notes sound next in a chorale: real music in four voices, a chord a step [1]_.

    The file is not part of the course, whose authors know of no licence for it. It is JSON: an object with
    ``"train"``, ``"valid"`` and ``"test"``, each a list of pieces; a piece is a list of steps, a step the
    list of the MIDI numbers, 21 to 108, that sound. ``jsb-chorales-quarter.json`` of
    https://github.com/czhuang/JSB-Chorales-dataset is such a file: 382 pieces in quarter notes, in the splits
    of [1]_ (229, 76, 77). It does not say whether a note is held or struck again.

    The loss is that of 88 independent coins, summed over the notes of a step, in nats: what papers on
    "JSB Chorales" print, though some average over pieces first. So a model cannot say that of two notes one
    will sound; latent variables can.

    Splits are the file's. A stream draws pieces uniformly; `whole` gives each piece of a split once.

    `chance` is the sum of the notes' entropies over all steps of the file. `correct` gives, for each step,
    the notes that are right, as a share of those that sound or are said to: the "accuracy" of these papers.

    Parameters
    ----------
    path : str
        The file's; by default the environment variable ``LSTMCOURSE_CHORALES`` says it.
    given : {"before", "now"}
        What x is: the chord before the one in y, silence at first; or the same, for models that find x
        itself probable (`lstmcourse.Latent`).

    Raises
    ------
    MissingSourceError
        There is no such file.
    FileError
        It does not have the form above.

    Notes
    -----
    x and y are ``(T, B, 88)``, 0 or 1; scored are all steps of each piece.

    References
    ----------
    .. [1] N. Boulanger-Lewandowski, Y. Bengio, P. Vincent, "Modeling temporal dependencies in
       high-dimensional sequences", ICML 2012, arXiv:1206.6392.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> piece = [[48, 64, 67, 72], [43, 62, 67, 71], [48, 64, 67, 72]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "chorales.json")
    ...     _ = file.write_text(json.dumps({"train": [piece], "valid": [piece[1:]], "test": [piece]}))
    ...     batch = Chorales(str(file)).batch(batch_size=2)
    >>> batch.x.shape, (np.flatnonzero(batch.y[1, 0]) + 21).tolist()
    ((3, 2, 88), [43, 62, 67, 71])
    """

    name: ClassVar[str] = "chorales"
    loss: ClassVar[str] = "bernoulli"

    path: str = HERE
    given: str = "before"

    def __post_init__(self):
        choice("given", self.given, ("before", "now"))
        self._pieces("all")  # now, not in the middle of a training
        object.__setattr__(self, "path", str(self.path))

    @property
    def input_size(self) -> int:
        """88 notes."""
        return NOTES

    @property
    def output_size(self) -> int:
        """88 notes."""
        return NOTES

    @property
    def chance(self) -> float:
        """Sum of the notes' entropies, each by itself, over all steps."""
        often = np.concatenate(self._pieces("all")).mean(axis=0, dtype=np.float64)
        return float(sum(entropy([p, 1 - p]) for p in often))

    def data_digest(self) -> str:
        """Return a digest of the file as it is now."""
        return _read(*_stamp(self.path))[1]

    @classmethod
    def check_stranger(cls, config: Mapping[str, object]) -> None:
        """Refuse a path: a file must not say what of this disk is read."""
        super().check_stranger(config)
        if config.get("path", HERE) != HERE:
            raise ValueError(
                f"it names a file, {config['path']!r}; what is read you must say yourself: pass it as task="
            )

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """For each step ``(T, B)``: notes rightly said, of those that sound or are said with p > 1/2."""
        said, sounds = self._fits(prediction, batch) > 0.5, batch.y > 0.5
        either = (said | sounds).sum(-1)
        return np.where(either > 0, (said & sounds).sum(-1) / np.maximum(either, 1), 1.0)

    def whole(self, split: str = "test", *, dtype: object = np.float32) -> Batch:
        """Every piece of a split once, in the file's order."""
        return self._batch(self._pieces(choice("split", split, SPLITS)), checks.dtype(dtype))

    def _pieces(self, split: str) -> list[np.ndarray]:
        """Pieces of a split, (steps, 88) bool each."""
        pieces = _read(*_stamp(self.path))[0]
        return [piece for part in _PARTS if split in ("all", part) for piece in pieces[part]]

    def _draw(self, rng, split, batch_size, length, dtype):
        pieces = self._pieces(split)
        return self._batch([pieces[k] for k in rng.integers(len(pieces), size=batch_size)], dtype)

    def _batch(self, pieces: list[np.ndarray], dtype: np.dtype) -> Batch:
        lengths = np.array([len(piece) for piece in pieces], np.int64)
        T = int(lengths.max())
        y = np.zeros((T, len(pieces), NOTES), dtype)
        for b, piece in enumerate(pieces):
            y[: len(piece), b] = piece
        mask = np.arange(T)[:, None] < lengths
        x = y if self.given == "now" else np.concatenate([np.zeros_like(y[:1]), y[:-1]]) * mask[..., None]
        return Batch(x.astype(dtype), y, mask, None if mask.all() else lengths)


def _stamp(path: object) -> tuple[Path, int, int]:
    """Where the file is, and what changes when it is written anew."""
    try:
        found = expand(path).absolute()
    except ValueError as error:
        raise MissingSourceError(f"{error}. {WHENCE}") from error
    if not found.is_file():
        raise MissingSourceError(f"path={shown(path)}: there is no such file. {WHENCE}")
    about = found.stat()
    return found, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=4)
def _read(path: Path, *stamp: int) -> tuple[dict[str, list[np.ndarray]], str]:
    """The pieces of each split, and the file's digest."""
    with opened(path) as file:
        text = file.read()
    found = parse_json(text, f"{path} is damaged: it is")
    if not isinstance(found, dict) or not set(_PARTS.values()) <= found.keys():
        raise FileError(f"{path} has no chorales, no object with 'train', 'valid' and 'test'. {WHENCE}")
    pieces = {split: _pieces(found[part], f"{path}: {part}") for split, part in _PARTS.items()}
    return pieces, hashlib.blake2b(text, digest_size=16).hexdigest()


def _pieces(pieces: Any, place: str) -> list[np.ndarray]:
    """The pieces of a split."""
    return [_piece(piece, f"{place}[{k}]") for k, piece in enumerate(_listed(pieces, place))]


def _piece(piece: Any, place: str) -> np.ndarray:
    """Which notes sound at each step, (steps, 88) bool."""
    roll = np.zeros((len(_listed(piece, place)), NOTES), bool)
    for t, chord in enumerate(piece):
        if not isinstance(chord, list):
            raise FileError(f"{place}[{t}] is {shown(chord)}: a step is a list of the notes that sound")
        for note in chord:
            if type(note) is not int or not 0 <= note - LOWEST < NOTES:
                raise FileError(
                    f"{place}[{t}] has {shown(note)}: a note is a MIDI number, "
                    f"{LOWEST} to {LOWEST + NOTES - 1}"
                )
            roll[t, note - LOWEST] = True
    return roll


def _listed(value: Any, place: str) -> list[Any]:
    """A list that is not empty."""
    if not isinstance(value, list) or not value:
        raise FileError(f"{place} is {shown(value)}: a list is needed, and not an empty one")
    return value
