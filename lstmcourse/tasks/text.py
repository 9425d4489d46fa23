"""`Text`: predict the next character of real text; by default sources of Python's standard library."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np

from .. import checks
from ..checks import whole
from ..errors import UnknownNameError, nearest
from ..files.paths import expand
from .base import SPLITS, Batch, Task, entropy

MODULES = (
    "argparse",
    "calendar",
    "configparser",
    "csv",
    "difflib",
    "heapq",
    "json.decoder",
    "json.encoder",
    "random",
    "shutil",
    "statistics",
    "textwrap",
)
ASCII = "\n" + "".join(map(chr, range(32, 127)))
RARE = "\N{REPLACEMENT CHARACTER}"
_SEEN_OFTEN = 10  # occurrences in the training text that give a character a symbol of its own


class MissingSourceError(FileNotFoundError, ValueError):
    """A file or a module's source that a text was to be read from is not there."""


@dataclass(frozen=True)
class Text(Task):
    """Characters of real text, each row a contiguous piece of it that the next batch continues.

    By default the text is the source code of twelve modules of Python's own standard library (`MODULES`,
    about 490,000 characters), after A. Karpathy's example of the Linux sources [1]_. They differ a little
    between versions of Python, so what is measured on them is to be stated with a margin. Any files in UTF-8
    can be given instead.

    Splits: of each file the first 80 % are for training, the next 10 % for validation and the last 10 % for
    test; so the regions are disjoint, though a text may repeat itself (a licence, an idiom). "all" is
    everything. Each region is read as a ring: row b starts b / B of the way round, from a place that the seed
    decides, and goes on from batch to batch (``carries=True``).

    A text means the same in a file and in a prompt: every line end is one newline, and a byte order mark at
    its beginning is left out. Files are read anew each time that a stream begins.

    Chance: the entropy of the characters' frequencies in the whole text. The best possible loss is not known.

    Parameters
    ----------
    modules : tuple of str, optional
        Modules whose sources are read, by default `MODULES`; nothing of them is executed.
    files : tuple of str, optional
        Paths of UTF-8 files to be read instead.
    alphabet : str, optional
        The characters that have a symbol of their own; all others share one, written U+FFFD. By default
        newline and the 95 printable ASCII characters for modules (97 symbols in all); for files, the
        characters that occur at least 10 times in the training text, sorted; they are stored, so a rebuilt
        task has the same symbols.
    length : int
        Steps of a batch, unless ``stream(length=)`` says otherwise.

    Raises
    ------
    MissingSourceError
        Where a file does not exist, or Python was installed without the source of a module.

    References
    ----------
    .. [1] A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015,
       https://karpathy.github.io/2015/05/21/rnn-effectiveness/

    Examples
    --------
    >>> task = Text(modules=("textwrap",))
    >>> batch = task.batch("test", batch_size=2, length=20)
    >>> batch.x.shape, batch.carries, bool((batch.x[1:] == batch.y[:-1]).all())
    ((20, 2), True, True)
    >>> task.decode(task.encode("def café():"))
    'def caf\ufffd():'
    >>> task.region("train")[:29]
    '\"\"\"Text wrapping and filling.'
    """

    name: ClassVar[str] = "text"

    modules: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    alphabet: str | None = None
    length: int = 64

    def __post_init__(self):
        for option in ("modules", "files"):
            value = getattr(self, option)
            if isinstance(value, (str, Path)):
                raise TypeError(
                    f"{option}={value!r} does not fit: a tuple of names is needed, such as ({str(value)!r},)"
                )
            if value is not None or option == "files":
                if not isinstance(value, (tuple, list)):
                    raise TypeError(f"{option}={value!r} does not fit: a tuple of names is needed")
                object.__setattr__(self, option, tuple(str(v) for v in value))
        if self.modules is None:
            object.__setattr__(self, "modules", () if self.files else MODULES)
        if bool(self.files) == bool(self.modules):
            raise ValueError(f"modules={self.modules} and files={self.files} do not fit: give one of the two")
        whole("length", self.length, 1)
        texts = _texts(self.modules, self.files)
        if self.alphabet is None:
            if self.files:
                object.__setattr__(self, "alphabet", _frequent(_region(texts, "train")))
        elif not isinstance(self.alphabet, str) or not self.alphabet:
            raise TypeError(
                f"alphabet={self.alphabet!r} does not fit: a str of at least one character is needed"
            )
        elif len(set(self.alphabet)) < len(self.alphabet) or RARE in self.alphabet:
            twice = [c for c, n in Counter(self.alphabet).items() if n > 1] or [RARE]
            raise ValueError(f"alphabet={self.alphabet!r} does not fit: {twice[0]!r} has a symbol already")

    @property
    def symbols(self) -> tuple[str, ...]:
        """The alphabet, and U+FFFD for all other characters."""
        return (*self._alphabet, RARE)

    @property
    def _alphabet(self):
        return ASCII if self.alphabet is None else self.alphabet

    @checks.given(split=checks.text)
    def region(self, split: str = "all") -> str:
        """Return the text of a split.

        Examples
        --------
        >>> task = Text(modules=("heapq", "csv"))
        >>> n = [len(task.region(split)) for split in ("train", "validation", "test", "all")]
        >>> n[0] + n[1] + n[2] == n[3]
        True
        """
        if split not in SPLITS:
            raise UnknownNameError(f"no split is named {split!r}: {nearest(split, SPLITS)}")
        return _region(_texts(self.modules, self.files), split)

    @checks.given(text=checks.text)
    def encode(self, text: str) -> np.ndarray:
        """Return the symbols of a text, ``(T,)`` int64; what is not in the alphabet gets the last one.

        Examples
        --------
        >>> Text(alphabet="abc").encode("cab?")
        array([2, 0, 1, 3])
        """
        return _encode(_plain(text), self._alphabet)

    @property
    def unknown(self) -> int:
        """The symbol for all other characters."""
        return len(self._alphabet)

    def data_digest(self) -> str:
        """Return a digest of the texts as they are now."""
        digest = hashlib.blake2b(digest_size=16)
        for text in _texts(self.modules, self.files):
            digest.update(hashlib.blake2b(text.encode("utf-8")).digest())
        return digest.hexdigest()

    @classmethod
    def check_stranger(cls, config: Mapping[str, object]) -> None:
        """Refuse all but the standard library's sources: a file must not say what of this disk is read."""
        super().check_stranger(config)
        modules = config.get("modules")
        if config.get("files"):
            raise ValueError(
                f"it names files, {config['files']!r}; what is read you must say yourself: pass it as task="
            )
        if modules and (not isinstance(modules, list | tuple) or len(set(map(str, modules))) < len(modules)):
            raise ValueError(f"modules={modules!r} does not fit: a list of different names is needed")
        for module in modules or ():
            if not _is_standard(str(module)):
                raise ValueError(
                    f"{module!r} is no module of Python's standard library: pass the task as task="
                )

    @property
    def _frequencies(self):
        symbols = _symbols(_texts(self.modules, self.files), self._alphabet, "all")
        return np.bincount(symbols, minlength=self.input_size)

    @property
    def chance(self) -> float:
        """Entropy of the characters' frequencies."""
        return entropy(self._frequencies)

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent character."""
        return float(self._frequencies.max() / self._frequencies.sum())

    def _stream(self, split, batch_size, seed, length, dtype, start):
        T = self.length if length is None else length
        ring = _symbols(_texts(self.modules, self.files), self._alphabet, split)
        N = len(ring)
        if batch_size > N or T >= N:
            raise ValueError(
                f"batch_size={batch_size} and length={T} do not fit: the {split} text has only {N} characters"
            )
        first = self._rng(seed, split, 0).integers(N)
        offsets = first + np.arange(batch_size) * N // batch_size + np.arange(T + 1)[:, None]

        def batches():
            for number in count(start):
                piece = ring[(offsets + number * T) % N]
                yield Batch(piece[:-1], piece[1:], np.ones((T, batch_size), bool), None, carries=True)

        return batches()


def _texts(modules: tuple[str, ...], files: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_read(_source(m), m) for m in modules) + tuple(_read(expand(f, "files"), f) for f in files)


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _source(module: str) -> Path:
    """Where a module's source lies, found without importing anything."""
    folders, spec = [sysconfig.get_path("stdlib")] if _is_standard(module) else None, None
    names = module.split(".")
    for k, part in enumerate(names, 1):
        spec = PathFinder.find_spec(".".join(names[:k]), folders) if part.isidentifier() else None
        folders = spec and spec.submodule_search_locations or []
    if spec is None and module not in sys.stdlib_module_names:
        raise MissingSourceError(
            f"module {module!r} does not exist in this Python: choose other modules, or give files="
        )
    origin = str(spec.origin) if spec and spec.has_location else "no file"
    if not origin.endswith(".py") or not Path(origin).exists():
        raise MissingSourceError(
            f"this Python was installed without the source of module {module!r} (it has {origin!r}): "
            "choose other modules, or give files="
        )
    return Path(origin)


def _of_a_file(name: str, path: Path) -> Path:
    """A path that can be read to its end: a pipe may be silent for ever, a device may have no end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise MissingSourceError(f"{str(path)!r} cannot be read as a file: it is a pipe or a device")
    return path


@checks.given(path=_of_a_file)
def _read(path: Path, what: str) -> str:
    try:
        text = _plain(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise MissingSourceError(
            f"{what!r} cannot be read as a file: {error.strerror}: {str(path)!r}"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{what!r} is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}. Convert it first"
        ) from error
    if not text:
        raise ValueError(f"{what!r} is empty: a text is needed")
    return text


def _plain(text: str) -> str:
    """Text without a byte order mark, its lines ended by newlines alone."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _region(texts: tuple[str, ...], split: str) -> str:
    ends = {"train": (0, 8), "validation": (8, 9), "test": (9, 10), "all": (0, 10)}[split]
    return "".join(text[ends[0] * len(text) // 10 : ends[1] * len(text) // 10] for text in texts)


def _frequent(text: str) -> str:
    often = "".join(sorted(c for c, n in Counter(text).items() if n >= _SEEN_OFTEN and c != RARE))
    return often or "".join(sorted(set(text) - {RARE})) or "\n"


def _encode(text: str, alphabet: str) -> np.ndarray:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    known = np.array([ord(c) for c in alphabet], np.uint32)
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, points, sorter=order), len(known) - 1)
    return np.where(known[order[place]] == points, order[place], len(known)).astype(np.int64)


@lru_cache(maxsize=16)
def _symbols(texts: tuple[str, ...], alphabet: str, split: str) -> np.ndarray:
    symbols = _encode(_region(texts, split), alphabet)
    symbols.flags.writeable = False
    return symbols
