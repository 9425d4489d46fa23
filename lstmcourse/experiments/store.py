"""Stored results: read them, measure a part of them again, and say whether the two agree."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from textwrap import fill
from typing import Any, BinaryIO

import numpy as np

from lstmcourse.checks import at_least, generator, given, instance, listed, mapping, number, text, truth
from lstmcourse.errors import FileError, UnknownNameError
from lstmcourse.experiments.define import Interval, _key, get
from lstmcourse.files import whole as files
from lstmcourse.files.paths import expand

__all__ = ["Agreement", "Pair", "Results", "Trial", "agree", "load", "rerun"]


class MissingResultsError(FileError, FileNotFoundError):
    """An experiment has not been run yet."""


def a_share(name: str, value: object) -> float:
    """A part of all, above 0."""
    return number(name, value, 0, 1, without=0)


def a_place(name: str, value: Any) -> Mapping[str, Any]:
    """Coordinates of a point."""
    return mapping(name, value, "of values by name")


def a_pair(name: str, value: Any) -> Any:
    """A trial, and the same measured again."""
    return instance(name, value, Pair, "lstmcourse.experiments.rerun(name, 1) gives")


def a_rule(name: str, value: Any) -> Any:
    """What counts as agreement."""
    return instance(name, value, Interval, "lstmcourse.experiments.Interval(0.1)")


DATA = Path(__file__).with_name("data")
PART = ".jsonl.gz"
LINE, LINES, UNPACKED = 1 << 20, 1_000_001, 1 << 28
"""The bytes of a line of such a part, its lines, and all its bytes, at most: a small file can hold much."""


@dataclass(frozen=True)
class Trial:
    """One measurement: a point, a seed, the numbers, and in words what they were measured with."""

    point: Mapping[str, Any]
    seed: int
    values: Mapping[str, float]
    origin: str = ""

    @property
    def key(self) -> tuple:
        """What identifies the trial."""
        return _key(self.point, self.seed)

    def as_json(self) -> dict[str, Any]:
        """Return what is written; a number that is not finite is null."""
        values = {k: v if math.isfinite(v) else None for k, v in self.values.items()}
        return {"point": dict(self.point), "seed": self.seed, "origin": self.origin, "values": values}

    @classmethod
    def parse(cls, written: Any, place: str) -> Trial:
        """Return the trial that was written; FileError, which names the place, if it is none."""
        try:
            point, seed, values, origin = (written[key] for key in ("point", "seed", "values", "origin"))
            if type(seed) is not int or not all(v is None or math.isfinite(v) for v in values.values()):
                raise ValueError("a seed is whole, and a value is finite, or null")
            numbers = {key: math.nan if v is None else float(v) for key, v in values.items()}
            trial = cls(dict(point), seed, numbers, str(origin))
            hash(trial.key)
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as problem:
            raise FileError(f"{place} is damaged: {shortened(written)} is no trial ({problem})") from problem
        return trial


@dataclass(frozen=True)
class Results:
    """All trials of an experiment, and where they come from.

    Attributes
    ----------
    name : str
        The experiment's name.
    trials : tuple of Trial
        In the order of the grid.
    provenance : dict
        ``about``, ``seeds``, and ``code``, what the numbers rest on; see `Experiment.provenance`. After
        `confirm` also ``confirmed``, how that was found. No date: a repetition gives the same bytes.
    """

    name: str
    trials: tuple[Trial, ...]
    provenance: dict[str, Any]

    @given(axis=text, value=text)
    def over(self, axis: str, value: str, **fixed: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return one number along one coordinate, for every seed.

        Parameters
        ----------
        axis : str
            The coordinate, such as ``"gap"``.
        value : str
            The number, such as ``"accuracy"``.
        **fixed
            Values of the other coordinates.

        Returns
        -------
        (ndarray (N,), ndarray (N, S))
            The coordinate, ascending, and the number for each of S seeds; nan where a trial is missing.

        Raises
        ------
        ValueError
            Nothing fits, or what is fixed leaves several trials for one place and seed.
        """
        found: dict[tuple, float] = {}
        for t in self.trials:
            if axis in t.point and value in t.values and all(t.point.get(k) == v for k, v in fixed.items()):
                place = t.point[axis], t.seed
                if place in found:
                    raise ValueError(
                        f"{self.name}: several trials have {axis}={place[0]!r} and seed={place[1]}: fix the "
                        f"other coordinates of {sorted(t.point)} too"
                    )
                found[place] = t.values[value]
        if not found:
            known = sorted({k for t in self.trials for k in (*t.point, *t.values)})
            raise ValueError(
                f"{self.name}: no trial has axis {axis!r} and value {value!r} with {fixed}; there are {known}"
            )
        at, seeds = (sorted(set(side)) for side in zip(*found, strict=True))
        if len(at) * len(seeds) > 10 * len(found):
            raise ValueError(
                f"{self.name}: {len(found)} trials do not fill {len(at)} places with {len(seeds)} seeds"
            )
        return np.array(at), np.array([[found.get((a, s), math.nan) for s in seeds] for a in at])

    @given(axis=text, by=text, highest=truth)
    def best(
        self, axis: str = "learning_rate", *, by: str = "validation", highest: bool = False, **fixed: Any
    ) -> Any:
        """Return the place along a coordinate at which a number is best: how all studies choose a rate.

        It is the place with the lowest mean over the seeds, among those where all seeds are finite; the first
        of them if several are alike.

        Parameters
        ----------
        axis : str
            The coordinate that is chosen.
        by : str
            The number that chooses it. A loss on data for validation, which are not reported, flatters
            nobody.
        highest : bool
            Whether the highest mean is best, as of an accuracy.
        **fixed
            Values of the other coordinates.

        Raises
        ------
        ValueError
            As for `over`; or at no place all seeds are finite.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> speech = lc.experiments.load("who_speaks")
        >>> float(speech.best(cell="rnn")), float(speech.best(by="accuracy", highest=True, cell="rnn"))
        (0.003, 0.01)
        """
        places, numbers = self.over(axis, by, **fixed)
        means = np.where(np.isfinite(numbers).all(axis=1), numbers.mean(axis=1), np.nan)
        if np.isnan(means).all():
            raise ValueError(
                f"{self.name}: {by} is not finite for some seed at every {axis} of {places.tolist()}: "
                "nothing can be chosen"
            )
        return places[np.nanargmax(means) if highest else np.nanargmin(means)]

    @given(value=text, axis=text, by=text, highest=truth)
    def chosen(
        self,
        value: str,
        *,
        axis: str = "learning_rate",
        by: str = "validation",
        highest: bool = False,
        **fixed: Any,
    ) -> np.ndarray:
        """Return one number for every seed, at the place along a coordinate that is `best`.

        Parameters
        ----------
        value : str
            The number, such as ``"accuracy"``.
        axis, by, highest, **fixed
            As for `best`.

        Returns
        -------
        ndarray (S,)

        Raises
        ------
        ValueError
            As for `best`.
        """
        place = self.best(axis, by=by, highest=highest, **fixed)
        return self.over(axis, value, **fixed, **{axis: place})[1][0]

    @given(value=text, point=a_place, rule=a_rule)
    def interval(self, value: str, point: Mapping[str, Any], rule: Interval) -> tuple[float, float]:
        """Return the interval that the stored seeds state for one number at one point."""
        if not any(dict(t.point) == dict(point) and value in t.values for t in self.trials):
            raise UnknownNameError(
                f"{self.name}: no trial at the point {dict(point)} has the value {value!r}"
            )
        near = [dict(point)]
        if rule.axis:
            others = {k: v for k, v in point.items() if k != rule.axis}
            line = [
                t.point for t in self.trials if {k: v for k, v in t.point.items() if k != rule.axis} == others
            ]
            places = sorted({p[rule.axis] for p in line})
            here = places.index(point[rule.axis])
            near = [{**others, rule.axis: place} for place in places[max(0, here - 1) : here + 2]]
        return rule.of(t.values.get(value, math.nan) for t in self.trials if dict(t.point) in near)


@dataclass(frozen=True)
class Pair:
    """A trial as it was stored, and as it was measured again."""

    point: Mapping[str, Any]
    seed: int
    stored: Mapping[str, float]
    measured: Mapping[str, float]


@dataclass(frozen=True)
class Agreement:
    """Whether what was measured again lies where the stored results say; true if all of it does.

    Attributes
    ----------
    rule : str
        What counts as agreement, in words.
    count : int
        Numbers compared.
    outside : tuple of str
        Those that do not agree, in words.
    """

    rule: str
    count: int
    outside: tuple[str, ...]

    @property
    def share(self) -> float:
        """The part that agrees, from 0 to 1."""
        return 1 - len(self.outside) / self.count

    def __bool__(self) -> bool:
        return not self.outside

    def __repr__(self) -> str:
        head = f"{self.count - len(self.outside)} of {self.count} agree: {self.rule}"
        rows = [head, *(f"    outside: {text}" for text in self.outside)]
        return "\n".join(fill(row, 96, subsequent_indent=" " * 8, break_long_words=False) for row in rows)


@given(name=text)
def load(name: str, *, data: Path | None = None) -> Results:
    """Return the stored results of an experiment.

    Raises
    ------
    UnknownNameError
        There is no such experiment.
    MissingResultsError
        It has not been run yet.
    FileError
        The file is damaged; the message names it, and the trial.
    """
    if data is None:
        get(name)
    path = (DATA if data is None else expand(data, "data")) / f"{name}.json"
    if not path.exists():
        raise MissingResultsError(
            f"name={name!r}, data={str(path.parent)!r}: there are no results of {name!r}: run make "
            f"experiments, or python -m lstmcourse.experiments {name}"
        )
    stored = files.read_json(path)
    try:
        provenance, trials = stored["provenance"], list(stored["trials"])
        if stored["experiment"] != name or not isinstance(provenance["code"], dict):
            raise ValueError(f"experiment {shortened(stored['experiment'])}")
    except (LookupError, TypeError, ValueError) as problem:
        raise FileError(f"{path} is damaged: it holds no results of {name!r} ({problem!r})") from problem
    parsed = (Trial.parse(t, f"{path}, trial {n},") for n, t in enumerate(trials, 1))
    return Results(name, tuple(parsed), provenance)


def save(results: Results, data: Path) -> Path:
    """Write results as JSON, one trial a line, at once or not at all; return the path."""
    text = (
        f'{{\n"experiment": {json.dumps(results.name)},\n'
        f'"provenance": {json.dumps(results.provenance, indent=1, sort_keys=True)},\n"trials": [\n'
        + ",\n".join(json.dumps(t.as_json()) for t in results.trials)
        + "\n]\n}\n"
    )
    return files.replace(expand(data, "data") / f"{results.name}.json", text.encode())


def save_part(results: Results, path: Path) -> Path:
    """Write what is measured so far as compressed JSON lines: what it is, then a trial a line."""
    head = {"experiment": results.name, "provenance": results.provenance}
    lines = [json.dumps(head, sort_keys=True), *(json.dumps(t.as_json()) for t in results.trials)]
    return files.replace(path, gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))


def read_part(path: str | Path) -> Results:
    """Return what `save_part` has written; FileError, which names the file, if it is none."""
    path = expand(path)
    with files.opened(path) as file:
        try:
            lines = _lines(file, path)
            head = files.parse_json(next(lines, b""), f"{path} is damaged: its first line is")
            name, provenance = head["experiment"], head["provenance"]
            if not isinstance(name, str) or not isinstance(provenance["code"], dict):
                raise TypeError(f"experiment {name!r}")
        except (LookupError, TypeError) as problem:
            raise FileError(f"{path} is damaged: its first line names no study ({problem!r})") from problem
        trials = tuple(
            Trial.parse(files.parse_json(line, f"{path} is damaged: line {n} is"), f"{path}, line {n},")
            for n, line in enumerate(lines, 2)
        )
    return Results(name, trials, provenance)


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Unpack a file line by line; neither a line nor their number, nor all of it, is out of proportion."""
    left = UNPACKED
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            for _ in range(LINES):
                if not (line := unpacked.readline(LINE + 1)):
                    return
                if len(line) > LINE:
                    raise FileError(f"{path} is damaged: a line has more than {LINE} bytes, and none may")
                if (left := left - len(line)) < 0:
                    raise FileError(
                        f"{path} is damaged: it unpacks to more than {UNPACKED} bytes, and none may"
                    )
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        raise FileError(f"{path} is damaged: it is not a whole gzip file ({problem})") from problem
    raise FileError(f"{path} is damaged: it has more than {LINES} lines, and no study has")


@given(name=text, k=at_least(1), fraction=a_share, rng=generator, where=a_place)
def rerun(
    name: str,
    k: int | None = None,
    *,
    fraction: float | None = None,
    rng: np.random.Generator | None = None,
    where: Mapping[str, Any] | None = None,
    data: Path | None = None,
) -> list[Pair]:
    """Measure a random part of the stored trials again, here and now.

    Parameters
    ----------
    name : str
        An experiment that has been stored.
    k : int, optional
        How many trials.
    fraction : float, optional
        Instead of `k`, which part of them; at least one.
    rng : numpy.random.Generator, optional
        Draws the trials. If not given they differ from call to call, so that in time all of them are tested.
    where : mapping, optional
        Only trials with these coordinates, say the quick ones; a value may be a list of values.
    data : Path, optional
        Folder of the stored results.

    Returns
    -------
    list of Pair
        In the order of the grid.

    Raises
    ------
    ValueError
        Neither or both of `k` and `fraction` are given, or there are not so many trials.
    """
    e, stored = get(name), load(name, data=data)
    if (k is None) == (fraction is None):
        raise ValueError(f"k is {k} and fraction is {fraction}: give one of them")
    where = where or {}
    trials = [t for t in stored.trials if all(_among(t.point.get(c), v) for c, v in where.items())]
    k = max(1, round(fraction * len(trials))) if k is None else k
    if not 1 <= k <= len(trials):
        raise ValueError(
            f"k={k} of {len(trials)} trials{f' where {dict(where)}' if where else ''}: there are not so many"
        )
    rng = np.random.default_rng() if rng is None else rng
    drawn = [trials[n] for n in sorted(rng.choice(len(trials), size=k, replace=False))]
    return [
        Pair(
            t.point,
            t.seed,
            t.values,
            {key: _rounded(float(v)) for key, v in e.measure(**t.point, seed=t.seed).items()},
        )
        for t in drawn
    ]


@given(name=text, pairs=listed(a_pair, "of Pairs, as rerun gives them"))
def agree(name: str, pairs: Sequence[Pair], *, data: Path | None = None) -> Agreement:
    """Say whether trials measured again agree with what is stored, as the experiment defines it.

    Parameters
    ----------
    name : str
        The experiment.
    pairs : sequence of Pair
        From `rerun`.
    data : Path, optional
        Folder of the stored results.

    Returns
    -------
    Agreement
        True if every number for which the experiment states an `Interval` lies in it. A number that is not
        finite agrees with one that was not finite when stored, and with nothing else.

    Raises
    ------
    ValueError
        There is nothing to compare.
    """
    e, stored = get(name), load(name, data=data)
    if not pairs or not e.agree:
        raise ValueError(f"{name}: {len(pairs)} pairs and agreement on {sorted(e.agree)}: nothing to compare")
    outside = []
    for pair in pairs:
        for value, rule in e.agree.items():
            low, high = stored.interval(value, pair.point, rule)
            measured, before = pair.measured[value], pair.stored.get(value, math.nan)
            inside = low <= measured <= high if math.isfinite(measured) else not math.isfinite(before)
            if not inside:
                at = ", ".join(f"{k}={v}" for k, v in pair.point.items())
                outside.append(
                    f"{value} at {at}, seed {pair.seed}: {measured:.4g} is not in {low:.4g} to {high:.4g} "
                    f"(stored: {before:.4g})"
                )
    rule = "; ".join(f"{value} {rule}" for value, rule in e.agree.items())
    return Agreement(rule, len(pairs) * len(e.agree), tuple(outside))


def _among(value: Any, wanted: Any) -> bool:
    """Whether a coordinate has the wanted value, or one of several."""
    return value in wanted if isinstance(wanted, list | tuple | set | range) else value == wanted


def _rounded(value: float) -> float:
    """Return a number with the six digits that are stored."""
    return float(f"{value:.6g}")
