"""Judges: what says of an answer whether it is right, and names the mistake.

An exercise has one. `Value` compares what is given, `Members` a set, `Choice` takes a word, `Function`
compares what a function returns on random arguments, `Behaviour` asks rule after rule, `Equations` compares a
cell; `Each` asks one judge after the other. What the reader wrote runs in `guard.run_apart`, and is plain
data when it comes out.
"""

from __future__ import annotations

import copy
import copyreg
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..cell import Cell
from ..checks import shown
from .cells import Mistake, check_cell
from .guard import COURSE, Outcome, run_apart
from .layers import listed
from .plain import SAME, NoNumbers, nothing, numbers, same, structure
from .verdict import Verdict

__all__ = [
    "Behaviour",
    "Choice",
    "Each",
    "Equations",
    "Function",
    "Judge",
    "Members",
    "Refused",
    "Rule",
    "Value",
]

NOT_BEGUN = "There is no answer yet. Write it where the dots are, and run the cell again."
DRAWS = 6
UNJUDGED = "cannot be compared"
NEARLY = 2e-3  # of the largest number: so far apart is what was rounded, or approximated

Wrong = Mapping[str, tuple[Any, str]]
"""Mistakes by name: what makes the mistake, in the form of the right answer, and what to say of it."""


class Refused(ValueError):
    """An answer cannot be judged as it is: the mistake's name, and what to do."""

    def __init__(self, mistake: str, message: str):
        super().__init__(message)
        self.mistake, self.message = mistake, message

    def __reduce__(self) -> tuple:  # in another process it is made of its message, not by __init__
        return copyreg.__newobj__, (type(self), *self.args), vars(self)


class Judge:
    """What an exercise's answer is given to; a subclass has `judged`."""

    def __call__(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Say whether it is right. Whatever is given, nothing is raised."""
        if nothing(answer):
            return Verdict(False, NOT_BEGUN, "nothing yet")
        try:
            return copy.copy(self).judged(answer, rng)  # an answer can reach the exercise's own
        except Refused as refused:
            return Verdict(False, refused.message, refused.mistake)
        except Exception as error:  # a fault of the judge's, which is no reason to stop a reader's notebook
            words = f"This answer cannot be compared with the right one ({type(error).__name__}: {error})."
            return Verdict(False, words, UNJUDGED)

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Say whether an answer that is not nothing is right."""
        raise NotImplementedError


def _apart_from_us(look: Callable[[], Any], what: str, *, course: bool = False) -> Any:
    """What comes of looking at an answer. Even its attributes may run what the reader wrote."""

    def safely() -> Any:
        try:
            return look()
        except Refused as refused:
            return refused

    found = _came_out(run_apart(safely, course=course), what)
    if isinstance(found, Refused):
        raise found
    return found


def _came_out(outcome: Outcome, what: str) -> Any:
    """The value that came of it, or why there is none."""
    if outcome.printed:
        print(outcome.printed, end="")
    match outcome.problem:
        case "":
            return outcome.value
        case "does not end":
            raise Refused("does not end", f"{what} did not end, and was ended. Look at its loops.")
        case "asks the course":
            raise Refused(
                "asks the course",
                f"{what} calls {outcome.said}, of the course's own code or on the way to it. Here the point "
                "is to write it yourself.",
            )
        case "changes the course":
            raise Refused(
                "changes the course",
                f"{what} sets {outcome.said} to something else, and the check needs it as it was; it was put "
                "back. Give yours another name.",
            )
        case "reaches outside":
            raise Refused(
                "reaches outside",
                f"{what} calls {outcome.said}, which is about the whole notebook, not about an answer. Leave "
                "it out.",
            )
        case _:
            raise Refused("raises", f"{what} raised {outcome.said}.")


# What is given as it is


@dataclass(frozen=True)
class Value(Judge):
    """Compare a number, or an array or a nest of them, with the right one.

    Parameters
    ----------
    right : number, array, nest of them, or callable
        A callable makes it when it is needed.
    wrong : mapping
        Values that come of a mistake, and messages.
    praise : str
        What to say of the right one.
    tolerance : float
        Relative to 1 + the right number's size.
    """

    right: Any
    wrong: Wrong = field(default_factory=dict)
    praise: str = ""
    tolerance: float = SAME

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Compare it."""

        def look() -> Any:
            given = _called(answer)
            if isinstance(given, (set, frozenset)):
                given = sorted(given)
            if type(given) is str:
                try:
                    given = float(given.replace(",", ""))
                except ValueError:
                    return given
            try:
                return structure(given)
            except NoNumbers as error:
                raise Refused(
                    "no numbers", f"{_capital(str(error))} was given, and numbers are needed."
                ) from None

        mine = _apart_from_us(look, "Your answer")
        right = structure(_made(self.right))
        if same(mine, right, self.tolerance):
            return Verdict(True, self.praise or "That is it.")
        for name, (value, message) in self.wrong.items():
            if same(mine, structure(_made(value)), self.tolerance):
                return Verdict(False, message, name)
        return Verdict(False, *_apart(mine, right))


@dataclass(frozen=True)
class Members(Judge):
    """Compare a set, of units' numbers or of words, in any order.

    Parameters
    ----------
    right : collection of int or of str, or callable
        A callable makes it when it is needed.
    wrong : mapping
        Sets that come of a mistake, and messages.
    praise : str
    """

    right: Any
    wrong: Wrong = field(default_factory=dict)
    praise: str = ""

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Compare it."""
        mine = _apart_from_us(lambda: _members(answer), "Your answer")
        right = _members(_made(self.right))
        of = "words" if any(isinstance(m, str) for m in right) else "whole numbers"
        if not mine or any(type(m) is not type(next(iter(right))) for m in mine):
            raise Refused("no set", f"A set of {of} is needed, and {_kind(answer)} was given.")
        if mine == right:
            return Verdict(True, self.praise or "That is the set.")
        for name, (value, message) in self.wrong.items():
            if mine == _members(_made(value)):
                return Verdict(False, message, name)
        good, extra, missing = len(mine & right), len(mine - right), len(right - mine)
        if not good:
            return Verdict(False, "None of what you give belongs to the set.", "none belongs")
        says = {
            (False, True): (
                f"All that you give belong to it, and the set has {missing} more.",
                "some are missing",
            ),
            (True, False): (f"All are there, and {extra} too many.", "some do not belong"),
            (True, True): (
                f"{good} of what you give belong to it, {extra} do not, and {missing} are missing.",
                "another set",
            ),
        }
        return Verdict(False, *says[extra > 0, missing > 0])


def _members(answer: Any) -> frozenset | None:
    """The set that was given: of a set, a list, an array, a mask, or words in one text."""
    given = _called(answer)
    if type(given) is str:
        given = given.replace(",", " ").split()
    if isinstance(given, (set, frozenset, range, Mapping)):
        given = list(given)
    if type(given) in (list, tuple) and given and all(type(v) is str for v in given):
        return frozenset(v.casefold().strip(" .") for v in given)
    try:
        array = np.atleast_1d(numbers(given)).ravel()
    except NoNumbers:
        return None
    if array.dtype.kind == "b" and array.size > 1:
        array = np.flatnonzero(array)
    whole = array.astype(np.float64)
    return frozenset(map(int, whole)) if np.isfinite(whole).all() and (whole % 1 == 0).all() else None


def _called(answer: Any) -> Any:
    """The answer, or what it returns where it is a function of the reader's."""
    if not inspect.isfunction(answer):
        return answer
    if of_the_course(answer):
        raise Refused("the course's own", "That is the course's own: give yours.")
    return answer()


def _made(value: Any) -> Any:
    return value() if callable(value) else value


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _apart(mine: Any, right: Any, when: str = "") -> tuple[str, str]:
    """What to say of two nests that differ, without saying the right one; and a name for it."""
    if isinstance(right, str):
        return f"A word is needed{when}, and {shown(mine)} is not the one.", "another word"
    if isinstance(right, Mapping):
        if not isinstance(mine, Mapping):
            return f"A dict is needed{when}, with {listed(right)}.", "no dict"
        if missing := [k for k in right if k not in mine]:
            return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing{when}.", "incomplete"
        off = [k for k in right if not same(mine[k], right[k])]
        agree = [k for k in right if k not in off]
        words, name = _apart(mine[off[0]], right[off[0]], when)
        return (
            f"{off[0]}: {words}{f' {listed(agree)} is right.' if len(agree) == 1 else ''}",
            f"{off[0]} {name}",
        )
    if isinstance(right, tuple):
        if isinstance(mine, np.ndarray) and mine.ndim and mine.shape != np.shape(right[0]):
            mine = tuple(map(np.asarray, mine))
        if not isinstance(mine, tuple) or len(mine) != len(right):
            return f"{len(right)} results are needed{when}.", "another number of results"
        off = [k for k, (a, b) in enumerate(zip(mine, right, strict=True)) if not same(a, b)]
        words, name = _apart(mine[off[0]], right[off[0]], when)
        return f"Result {off[0] + 1} of {len(right)}: {words}", name
    if not isinstance(mine, np.ndarray):
        what = {dict: "a dict", tuple: "a nest of several results"}.get(type(mine)) or shown(mine)
        return f"Numbers are needed{when}, and {what} was given.", "no numbers"
    if mine.squeeze().shape != right.squeeze().shape:
        if right.ndim == 2 and same(mine.T, right):
            return f"The axes have changed places{when}: transpose it.", "transposed"
        need, have = (f"an array of shape {a.shape}" if a.ndim else "a single number" for a in (right, mine))
        return f"{_capital(need)} is needed{when}, and yours is {have}.", "another shape"
    mine = mine.reshape(right.shape)
    if right.dtype.kind == "b":
        return f"It is wrong at {int((mine != right).sum())} of {right.size} places{when}.", "another result"
    mine, right = mine.astype(np.float64), right.astype(np.float64)
    if not np.isfinite(mine).all():
        return f"There is a NaN or an infinity in it{when}.", "not finite"
    if right.size and np.abs(mine - right).max() <= NEARLY * np.abs(right).max():
        return (
            f"It is nearly right{when}, and not to the last digit. Is something rounded, or approximated?",
            "nearly right",
        )
    if same(np.asarray(-mine), right):  # NumPy makes a scalar of minus a single number
        return f"The sign is wrong{when}; everything else is right.", "the sign"
    with np.errstate(all="ignore"):
        ratio = mine / right
    if right.size > 1 and np.isfinite(ratio).all() and np.ptp(ratio) < 1e-6 * abs(ratio.flat[0]):
        return f"Everything is {ratio.flat[0]:.4g} times what it should be{when}.", "a factor"
    if right.ndim and len(right) > 1:
        good = [same(mine[k : k + 1], right[k : k + 1]) for k in range(len(right))]
        if good[0]:
            first = good.index(False)
            return (
                f"The first {first} agree{'s' * (first == 1)}{when}, number {first + 1} does not.",
                "later ones",
            )
        return f"It differs{when}, at the first of {len(right)} already.", "another result"
    if right.size == 1:
        a, b = mine.item(), right.item()
        return f"{a:.6g} is too {'large' if a > b else 'small'}{when}.", "too large" if a > b else "too small"
    return f"The numbers differ{when}.", "another result"


@dataclass(frozen=True)
class Choice(Judge):
    """Take a word, one of several; what is said of each explains.

    Parameters
    ----------
    right : str
    options : mapping of str to str
        Each word, the right one among them, and what to say of it.
    """

    right: str
    options: Mapping[str, str]

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Look the word up."""
        if type(answer) is np.str_:
            answer = str(answer)
        if type(answer) is not str:
            raise Refused("no word", f"A word is needed, one of {listed(map(repr, self.options), 'or')}.")
        word = " ".join(answer.casefold().split()).strip(" .!?\"'")
        if word not in self.options:
            close = difflib.get_close_matches(word, self.options, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            words = (
                f"{shown(answer)} is none of the answers. {hint}They are {listed(map(repr, self.options))}."
            )
            raise Refused("none of the answers", words)
        right = word == self.right
        return Verdict(right, self.options[word], "" if right else word)


# What a function does


@dataclass(frozen=True)
class Function(Judge):
    """Compare what a function returns with a reference, on random arguments.

    Parameters
    ----------
    right : callable
        The reference.
    draw : callable
        ``draw(rng)`` makes the arguments, a tuple: arrays, numbers, dicts of them.
    wrong : mapping
        Functions that make a mistake, and messages. The first that returns the same names it.
    praise : str
    tolerance : float
    course : bool
        Whether the answer may call the course's package.
    run : callable, optional
        Given where the answer may also be a cell: ``run(cell, *arguments)`` makes what is compared.
    """

    right: Callable
    draw: Callable[[np.random.Generator], tuple]
    wrong: Wrong = field(default_factory=dict)
    praise: str = ""
    tolerance: float = SAME
    course: bool = False
    run: Callable[..., Any] | None = None

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Compare it."""
        given = [self.draw(rng) for _ in range(DRAWS)]
        names = [p.name for p in inspect.signature(self.right).parameters.values() if p.default is p.empty]
        course = self.course or issubclass(type(answer), Cell)
        results = _apart_from_us(
            lambda: _returned(self._callable(answer, names), copy.deepcopy(given)),
            "Your function",
            course=course,
        )
        right = [_results(self.right(*copy.deepcopy(g))) for g in given]
        if self._agree(results, right):
            return Verdict(True, self.praise or "It returns the same as the course's, on random numbers.")
        for name, (wrong, message) in self.wrong.items():
            if self._agree(results, [structure(wrong(*copy.deepcopy(g))) for g in given]):
                return Verdict(False, message, name)
        k = next(k for k, (a, b) in enumerate(zip(results, right, strict=True)) if not self._agree([a], [b]))
        return Verdict(False, *_apart(results[k], right[k], _for(names, given[k])))

    def _agree(self, mine: Sequence[Any], right: Sequence[Any]) -> bool:
        return all(same(a, b, self.tolerance) for a, b in zip(mine, right, strict=True))

    def _callable(self, answer: Any, names: Sequence[str]) -> Callable:
        if isinstance(answer, Cell) and self.run is not None:
            refuse_own(answer)
            return lambda *given: self.run(answer, *given)  # type: ignore[misc]
        if not callable(answer) or isinstance(answer, (type, Cell)):
            raise Refused(
                "no function", f"A function of {listed(names)} is needed, and {_kind(answer)} was given."
            )
        if of_the_course(answer):
            raise Refused("the course's own", "That is the course's own: write yours.")
        try:
            inspect.signature(answer).bind(*names)
        except TypeError:
            have = list(inspect.signature(answer).parameters)
            raise Refused(
                "other arguments",
                f"Your function is called with {listed(names)}, in this order, and takes "
                f"{listed(have) or 'nothing'}.",
            ) from None
        except ValueError:
            pass  # written in C: it is tried
        return answer


def _results(value: Any) -> Any:
    """What the reference returns: arrays stay apart, also where they would make one."""
    several = isinstance(value, tuple) and all(np.ndim(v) for v in value)
    return tuple(map(structure, value)) if several else structure(value)


def _kind(answer: Any) -> str:
    return f"a value of type {type(answer).__name__}"


def _returned(call: Callable, given: list[tuple]) -> list:
    """What a function returns for each, copied at once."""
    results = []
    for arguments in given:
        value = call(*arguments)
        if value is None or value is Ellipsis:
            raise Refused(
                "returns nothing", "Your function returns nothing yet: its last line needs a return."
            )
        try:
            results.append(structure(value))
        except NoNumbers as error:
            raise Refused("no numbers", f"Your function returns {error}, and numbers are needed.") from None
    return results


def _for(names: Sequence[str], given: tuple) -> str:
    """For which arguments: those that are single numbers, or the shapes of arrays."""
    words: list[str] = []
    if len(given) > 3:
        return ""
    for name, value in zip(names, given, strict=False):
        if isinstance(value, (int, float, np.number)):
            words.append(f"{name} = {value:.4g}")
        elif isinstance(value, np.ndarray):
            words.append(f"{name} of shape {value.shape}")
        elif isinstance(value, (str, tuple)):
            words.append(f"{name} = {shown(value)}")
    return f" for {listed(words)}" if words else ""


# What behaves


@dataclass(frozen=True)
class Rule:
    """What has to hold: the name of the mistake where it does not, what to say then, and the test.

    `holds` is called with what was taken from the answer.
    """

    mistake: str
    message: str
    holds: Callable[[Any], Any]


@dataclass(frozen=True)
class Behaviour(Judge):
    """Ask one rule after the other; the first that does not hold is the mistake.

    Parameters
    ----------
    take : callable
        Makes of the answer what the rules are asked about; raises `Refused` where that cannot be done.
    rules : sequence of Rule
    praise : str
    course : bool
        Whether the answer, if it is a function, may call the course's package.
    """

    take: Callable[[Any], Any]
    rules: Sequence[Rule]
    praise: str = ""
    course: bool = True

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Ask."""

        def look() -> Rule | None:
            taken = self.take(answer)
            return next((rule for rule in self.rules if not bool(rule.holds(taken))), None)

        if (broken := _apart_from_us(look, "Your answer", course=self.course)) is not None:
            return Verdict(False, broken.message, broken.mistake)
        return Verdict(True, self.praise or "It does what it should.")


# Cells


def of_the_course(function: Any) -> bool:
    """Whether the course wrote a function."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename.startswith(COURSE)


def refuse_own(answer: Cell) -> None:
    """Refuse a cell that the course wrote.

    Raises
    ------
    Refused
    """
    if of_the_course(answer.function):
        raise Refused(
            "the course's own", f"{answer.name} is the course's own cell: write yours, under @lc.cell."
        )


@dataclass(frozen=True)
class Equations(Judge):
    """Compare a cell's mathematics with a reference, whatever its notation; see `cells.check_cell`.

    Parameters
    ----------
    right : Cell
    wrong : iterable of Mistake, or callable
        A callable makes the table when it is needed.
    praise : str
        Instead of the general one.
    """

    right: Cell
    wrong: Iterable[Mistake] | Callable[[], Iterable[Mistake]] = ()
    praise: str = ""

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Compare it."""
        if isinstance(answer, Cell):
            refuse_own(answer)
        wrong = self.wrong() if callable(self.wrong) else self.wrong
        verdict = check_cell(answer, self.right, wrong, rng)
        if verdict:
            return Verdict(True, self.praise or f"Your cell {verdict.message}")
        named = verdict.mistake or (
            f"the line for {verdict.equation}" if verdict.equation else "no such cell"
        )
        return Verdict(False, verdict.message, named, verdict.equation)


# Several judges


@dataclass(frozen=True)
class Each(Judge):
    """Ask one judge after the other: the first that refuses an answer says why, the last praises it."""

    judges: Sequence[Judge]

    def judged(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Ask."""
        for judge in self.judges:
            if not (verdict := judge.judged(answer, rng)):
                break
        return verdict
