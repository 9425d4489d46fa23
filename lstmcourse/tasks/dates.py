"""`Dates`: dates as they are written in many languages, into ISO 8601. Needs Babel."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..checks import choice, instance, shown, text, whole
from ..errors import UnknownNameError
from .base import accept, entropy
from .pairs import END, Pairs, Transduction, packed

LOCALES = (
    *(
        "en_US",
        "en_GB",
        "fr",
        "de",
        "es",
        "it",
        "nl",
        "pt",
        "sv",
        "da",
        "nb",
        "fi",
        "pl",
        "cs",
        "hu",
        "tr",
        "id",
    ),
    *("ro", "hr", "et", "lv", "lt", "sk", "sl", "ca", "sq", "is"),
)
_STYLES = ("full", "long", "medium")


class MissingPackageError(ImportError, ValueError):
    """A package that a task needs is not installed."""


@dataclass(frozen=True)
class Dates(Transduction):
    """Dates in words and figures, in 27 languages, into ``2015-08-27``: the characters of one into the other.

    The texts are those of CLDR, the Unicode consortium's data on languages, as the package Babel has them; it
    is not a dependency of the course, but JupyterLab brings it (or ``pip install babel``). Languages change
    a little between its versions. Each date is drawn uniformly, and independently a language and one of
    CLDR's styles full (with the day of the week), long and medium.

    Splits: by a hash of the date, so that a date for testing has not been seen in any language.

    `chance` is the loss of a predictor that knows the place of each digit and the calendar. The best loss is
    0: with the default languages no text stands for two dates.

    Parameters
    ----------
    locales : tuple of str
        Names of languages as Babel has them.
    first, last : int
        Years, both included.
    alphabet : str, optional
        The characters of the texts, sorted; by default those of the languages. They are stored, so a rebuilt
        task has the same symbols.

    Raises
    ------
    MissingPackageError
        Where Babel is not installed.
    UnknownNameError
        For a language that Babel does not have.

    Examples
    --------
    >>> task = Dates(locales=("en_US", "fr"))
    >>> import datetime
    >>> [task.write(datetime.date(1997, 11, 15), locale, "full") for locale in task.locales]
    ['Saturday, November 15, 1997', 'samedi 15 novembre 1997']
    >>> task.batch(batch_size=5).target.shape
    (11, 5)
    """

    name: ClassVar[str] = "dates"
    target_joiner: ClassVar[str] = ""

    locales: tuple[str, ...] = LOCALES
    first: int = 1950
    last: int = 2049
    alphabet: str | None = None

    def __post_init__(self):
        if not isinstance(self.locales, tuple | list) or not self.locales:
            raise TypeError(
                f"locales={shown(self.locales)} does not fit: a tuple of names is needed, such as ('fr',)"
            )
        object.__setattr__(self, "locales", tuple(self.locales))
        whole("first", self.first, 1000, 9999)
        whole("last", self.last, self.first, 9999)
        for k, locale in enumerate(self.locales):
            _check_locale(f"locales[{k}]", locale)
        if self.alphabet is None:
            object.__setattr__(self, "alphabet", _alphabet(self.locales))
        if len(set(text("alphabet", self.alphabet))) < max(1, len(self.alphabet)):
            raise ValueError(f"alphabet={shown(self.alphabet)} does not fit: it has each character once")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Characters; the first symbol stands in padding."""
        return (END, *self.alphabet)

    @property
    def target_symbols(self) -> tuple[str, ...]:
        """The end, the digits, and the hyphen."""
        return (END, *"0123456789-")

    def write(self, date: datetime.date, locale: str, style: str = "long") -> str:
        """Return a date as a language has it, in the style "full", "long" or "medium"."""
        instance("date", date, datetime.date, "datetime.date(1997, 11, 15)")
        _check_locale("locale", locale)
        return _written(date.toordinal(), locale, choice("style", style, _STYLES))

    @property
    def chance(self) -> float:
        """Mean entropy of the ten characters of a date and its end."""
        return float(np.mean([entropy(p) for p in self._places()]))

    @property
    def chance_accuracy(self) -> float:
        """Mean share of the most frequent character at each place."""
        return float(np.mean([p.max() / p.sum() for p in self._places()]))

    def _places(self):
        """How often each symbol stands at each of the eleven places, over all dates."""
        return _counts(*self._range())

    def _range(self) -> tuple[int, int]:
        return datetime.date(self.first, 1, 1).toordinal(), datetime.date(self.last, 12, 31).toordinal()

    def _draw(self, rng, split, batch_size, length, dtype):
        lo, hi = self._range()

        def propose(rows):
            days = rng.integers(lo, hi + 1, rows)
            kinds = rng.integers(len(self.locales) * len(_STYLES), size=rows)
            return [days, kinds], [_iso(day).encode() for day in days]

        days, kinds = accept(propose, split, batch_size, repr(self))
        texts = [
            _written(int(day), self.locales[kind // len(_STYLES)], _STYLES[kind % len(_STYLES)])
            for day, kind in zip(days, kinds, strict=True)
        ]
        source, source_lengths = packed([self.encode(text) for text in texts])
        target, target_lengths = packed([self.encode_target(_iso(day)) for day in days])
        return Pairs(source, target, source_lengths, target_lengths)


def _iso(day) -> str:
    return datetime.date.fromordinal(int(day)).isoformat()


@lru_cache(maxsize=1)
def _babel():
    try:
        import babel
        import babel.dates
    except ImportError as error:
        raise MissingPackageError(
            "the task 'dates' needs the package babel, which is not installed: pip install babel"
        ) from error
    return babel


def _check_locale(name: str, value: str) -> None:
    """Refuse what is no language of Babel's."""
    babel = _babel()
    try:
        _locale(text(name, value))
    except (ValueError, babel.UnknownLocaleError) as error:
        raise UnknownNameError(
            f"{name}: Babel has no language {shown(value)}; it has names such as 'fr' and 'en_GB'"
        ) from error


@lru_cache(maxsize=256)
def _locale(name: str):
    return _babel().Locale.parse(name)


def _written(day: int, locale: str, style: str) -> str:
    return _babel().dates.format_date(datetime.date.fromordinal(day), style, locale=_locale(locale))


@lru_cache(maxsize=16)
def _alphabet(locales: tuple[str, ...]) -> str:
    """All characters of these languages' dates: a week of each month has every name in it."""
    week = [datetime.date(2000, month, day).toordinal() for month in range(1, 13) for day in range(1, 8)]
    texts = (_written(day, locale, style) for day in week for locale in locales for style in _STYLES)
    return "".join(sorted(set("0123456789").union(*texts)))


@lru_cache(maxsize=4)
def _counts(first: int, last: int) -> np.ndarray:
    counts = np.zeros((11, 12))
    index = {c: k for k, c in enumerate("0123456789-", start=1)}
    for day in range(first, last + 1):
        for place, character in enumerate(_iso(day)):
            counts[place, index[character]] += 1
    counts[10, 0] = 1
    return counts
