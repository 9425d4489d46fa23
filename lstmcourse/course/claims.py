"""State a result so that it reads the same on every machine.

``claim("C12", "...", value, above=0.95)`` shows a statement, the threshold it must clear and a verdict, as
text that does not depend on the processor, with the measured value beside it in a form that the regression
run does not compare; it raises `ClaimFailed` when what is stated does not hold. `CLAIMS` is the table of what
the course has to meet, each with the kinds of evidence (`KINDS`) that it asks for.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import ANY, given, shown, text
from ..checks import array as given_array
from ..errors import UnknownNameError, nearest

__all__ = ["CLAIMS", "KINDS", "VERDICTS", "Claim", "ClaimFailed", "Result", "check", "claim", "in_words"]

VERDICTS = ("met", "qualified", "refuted")
KINDS = {"D": "definition", "X": "experiment", "I": "identity", "H": "history"}


class ClaimFailed(AssertionError):
    """A measurement does not support what is stated about it."""


@dataclass(frozen=True)
class Claim:
    """One statement of the essay, and the evidence that the course owes for it.

    ``asked`` pairs kinds of evidence with the notebooks that share the duty: every kind must be met in one of
    them, and each of them must have a marked cell.
    """

    id: str
    title: str
    asked: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def kinds(self) -> str:
        """The kinds of evidence asked for, such as ``"HX"``."""
        return "".join(k for k in KINDS if any(k in kinds for kinds, _ in self.asked))

    @property
    def homes(self) -> tuple[str, ...]:
        """Numbers of the notebooks in which the claim has to appear."""
        return tuple(sorted({home for _, homes in self.asked for home in homes}))


def in_words(kinds: str) -> str:
    """Kinds of evidence, written out.

    >>> in_words("HX")
    'history and experiment'
    """
    return " and ".join(KINDS[k] for k in kinds)


# id | kinds@notebooks, separated by blanks | the statement in short
_TABLE = """
C01 | D@01 | a recurrent network joins the present input with a state carried over from earlier steps
C02 | H@01 X@21 | early prospects: speech, control with hidden state, composing music
C03 | X@02 | a plain recurrent network cannot keep information for long
C04 | X@01 | the sense of a word rests on the words before it
C05 | X@01 | a network without state cannot use earlier frames of a film
C06 | D@01 | the loop: a module reads x_t, emits h_t and hands its state on
C07 | I@01 | unrolled in time, the loop is many copies of one network that share their weights
C08 | DX@01 | one set of weights serves sequences of every length
C09 | H@01 X@09 X@16 X@20 | successes in speech, language modelling, translation and captioning
C10 | HX@09 X@20 | nearly all of those successes use LSTMs
C11 | D@02 | the hope: earlier information informs the present task
C12 | X@02 | over a short gap a recurrent network learns the link
C13 | X@02 | recent words tell that a language comes, only old ones tell which
C14 | DX@02 | the gap can become very large
C15 | HX@02 | as the gap grows, training fails to find a link that hand-set weights can carry
C16 | HX@03,09 | LSTMs learn dependencies over longer gaps
C17 | X@04,05 | remembering for long is what an LSTM does by default
C18 | D@03 | the repeating module of a plain network is one tanh layer
C19 | D@03 | the repeating module of an LSTM has four layers that interact
C20 | D@03 | the notation of the diagrams
C21 | IX@04 | the cell state is a conveyor belt with only linear interactions
C22 | D@04 | a gate is a sigmoid layer and a pointwise product
C23 | D@04 | a gate's value lies between 0, nothing through, and 1, everything through
C24 | DX@04 | three gates protect and control the cell state
C25 | D@05 | the forget gate's equation
C26 | X@05,09 | at a new subject the gender of the old one is forgotten
C27 | D@06 | the input gate's equation
C28 | D@06 | the candidate's equation
C29 | X@06,09 | the gender of the new subject is added
C30 | D@07 | the update of the cell state
C31 | X@07,09 | at this step the old gender goes and the new one comes in
C32 | D@08 | the output gate's equation
C33 | D@08 | the hidden state is a filtered view of the cell state
C34 | X@08,09 | the output holds what the coming verb needs
C35 | HX@10,11,12,13,15 | papers use slight variants whose differences are minor
C36 | HDI@10 | peephole connections let the gates see the cell state
C37 | HDX@10 | papers differ on which gates have peepholes
C38 | DI@11 | coupled gates forget only where something new is written
C39 | HDI@12 | the GRU merges forget and input gate, cell and hidden state
C40 | HIX@12 | the GRU is simpler than the LSTM, and popular
C41 | HDIX@13 | the depth-gated recurrent network
C42 | HDIX@14 | the clockwork network, another way to long-term dependencies
C43 | HX@15 | popular variants perform about the same
C44 | HDX@15 | of ten thousand architectures some beat the LSTM on some tasks
C45 | X@19 X@22 | LSTMs work a lot better than plain networks on most tasks
C46 | D@09 | walked through step by step, the equations lose their terror
C47 | HDX@16 | attention picks at each step what to look at in a larger store
C48 | HDX@16 | captions that look at one part of the image for each word
C49 | HDIX@17 | Grid LSTM
C50 | HDIX@18 | recurrent networks in generative models
C51 | H@22 | the LSTM has many parents
"""


def _parse(table: str) -> dict[str, Claim]:
    claims = {}
    for line in table.strip().splitlines():
        id_, asked, title = (part.strip() for part in line.split("|"))
        duties = (duty.split("@") for duty in asked.split())
        claims[id_] = Claim(id_, title, tuple((kinds, tuple(homes.split(","))) for kinds, homes in duties))
    return claims


CLAIMS: dict[str, Claim] = _parse(_TABLE)
"""Every claim by its id, C01 to C51."""


@dataclass(frozen=True)
class Result:
    """A checked statement; displays itself as text and as HTML.

    All but `measured` is the same on every machine.
    """

    id: str
    statement: str
    threshold: str
    verdict: str
    holds: bool
    measured: str

    @property
    def outcome(self) -> str:
        """The verdict, or that the statement fails."""
        return self.verdict if self.holds else "FAILS"

    def __str__(self) -> str:
        lines = [f"{self.id} {self.outcome}: {self.statement}", f"    required: {self.threshold}"]
        if self.measured:
            lines.append(f"    measured: <{self.measured}>")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour = {"met": "#009e73", "qualified": "#e69f00", "refuted": "#cc79a7"}[self.verdict]
        measured = html.escape(self.measured)
        beside = f' · measured <span class="lc-measured">{measured}</span>' if measured else ""
        return (
            f'<div class="lc-claim" style="border-left: 4px solid {colour if self.holds else "#d55e00"};'
            f' padding: 0.3em 0.9em; margin: 0.4em 0">'
            f"<strong>{self.id} · {self.outcome}</strong> {_indexed(html.escape(self.statement))}<br>"
            f'<span style="opacity: 0.8">required: {html.escape(self.threshold)}{beside}</span></div>'
        )


def _indexed(text: str) -> str:
    """Return a text as HTML with letters' indices set low.

    >>> _indexed("dC_T/dC_{t-1} for input_size = 1, h_t and b_f")
    'dC<sub>T</sub>/dC<sub>t−1</sub> for input_size = 1, h<sub>t</sub> and b<sub>f</sub>'
    """
    letter = r"\b(d?[^\W\d_])_(?:\{([^{}]+)\}|([^\W_]))(?![\w{])"
    return re.sub(letter, lambda m: f"{m[1]}<sub>{(m[2] or m[3]).replace('-', '−')}</sub>", text)


def claim(
    id: str,
    statement: str,
    value: object,
    *,
    above: float | None = None,
    below: float | None = None,
    between: tuple[float, float] | None = None,
    verdict: str = "met",
) -> None:
    """Show a statement about a result, and raise if it does not hold.

    Parameters
    ----------
    id : str
        The claim of the essay that this supports, ``"C01"`` to ``"C51"``.
    statement : str
        What holds, in words; for a qualified or refuted claim, the corrected statement.
    value : bool, float, or one-dimensional sequence of float
        What was measured. Of a sequence, say one number for each seed, every element has to satisfy the
        threshold, and the range is shown. A bare ``True`` or ``False``, with no threshold, serves definitions
        and identities.
    above, below : float, optional
        The value has to be greater, or less, than this.
    between : (float, float), optional
        The value has to lie between these, ends included.
    verdict : {"met", "qualified", "refuted"}
        What the result means for the essay's own sentence.

    Raises
    ------
    ClaimFailed
        The value does not satisfy the threshold.
    UnknownNameError
        The id is not in `CLAIMS`, or the verdict is none of the three.
    ValueError, TypeError
        No threshold or several, an empty or not finite value, or something that is not a number.

    Examples
    --------
    >>> claim("C12", "right after a gap of three words", [0.99, 0.98, 1.0], above=0.95)
    C12 met: right after a gap of three words
        required: above 0.95, for each of 3
        measured: <0.98 to 1, median 0.99>
    >>> claim("C06", "the loop and one step at a time agree", True)
    C06 met: the loop and one step at a time agree
        required: true
    """
    result = check(id, statement, value, above=above, below=below, between=between, verdict=verdict)
    _show(result)
    if not result.holds:
        raise ClaimFailed(
            f"{id}: {result.statement!r} does not hold: required: {result.threshold}; "
            f"measured: <{result.measured or value}>. "
            "Look at the range over several seeds; mend the experiment, or state what the numbers support."
        )


@given(statement=text)
def check(
    id: str,
    statement: str,
    value: object,
    *,
    above: float | None = None,
    below: float | None = None,
    between: tuple[float, float] | None = None,
    verdict: str = "met",
) -> Result:
    """Return the `Result` of a statement, whether it holds or not; takes and refuses what `claim` does.

    Examples
    --------
    >>> check("C12", "the link is learnt", 0.4, above=0.95).holds
    False
    """
    if not isinstance(id, str) or id not in CLAIMS:
        raise UnknownNameError(f"id={shown(id)}: there is no claim {shown(id)}: {nearest(id, CLAIMS)}")
    if not isinstance(statement, str) or not statement.strip():
        raise ValueError(f"{id}: the statement is {statement!r}: say in words what holds")
    if not isinstance(verdict, str) or verdict not in VERDICTS:
        raise UnknownNameError(f"{id}: there is no verdict {verdict!r}: {nearest(verdict, VERDICTS)}")
    given = {k: v for k, v in (("above", above), ("below", below), ("between", between)) if v is not None}
    statement = " ".join(statement.split())
    if isinstance(value, bool | np.bool_):
        if given:
            raise TypeError(
                f"{id}: the value {value} has no size to compare with {given}: give the measured number"
            )
        if not set(CLAIMS[id].kinds) & set("DI"):
            raise ValueError(
                f"{id} asks for {in_words(CLAIMS[id].kinds)}, and {value} measures nothing: "
                "give the measured number, and above=, below= or between="
            )
        return Result(id, statement, "true", verdict, bool(value), "")
    numbers = _numbers(id, value)
    if len(given) != 1:
        raise ValueError(f"{id}: give one of above=, below= and between=, not {sorted(given) or 'none'}")
    holds, threshold = _compare(id, numbers, *given.items())
    many = numbers.size > 1
    if many:
        threshold += f", for each of {numbers.size}"
    low, high = numbers.min(), numbers.max()
    low, high, middle = map(_plain, (low, high, np.median(numbers)))
    measured = f"{low} to {high}, median {middle}" if many else low
    return Result(id, statement, threshold, verdict, holds, measured)


def _plain(number: float) -> str:
    """Return three digits of a number, written out where it is large.

    >>> _plain(0.98765), _plain(70912.3), _plain(1e-12)
    ('0.988', '70,900', '1e-12')
    """
    short = f"{number:.3g}"
    return f"{float(short):,.0f}" if 1000 <= abs(number) < 1e7 else short


def _numbers(id: str, value: object) -> np.ndarray:
    """Return the value as a float64 vector, or say what is wrong with it."""
    array = given_array("value", value, ANY, rule="give a number for each seed")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{id}: the value is {value!r}: give a number, several numbers, or True or False")
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"{id}: the value has shape {array.shape}: give one number, or one for each seed")
    array = np.atleast_1d(array).astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{id}: the value is {value!r}: what is not finite supports no statement")
    return array


def _compare(id: str, numbers: np.ndarray, condition: tuple[str, Any]) -> tuple[bool, str]:
    """Return whether every number satisfies the condition, and the condition in words."""
    name, bound = condition
    limits = given_array(name, bound, ANY)
    if limits.dtype.kind not in "iuf" or limits.shape != ((2,) if name == "between" else ()):
        raise TypeError(f"{id}: {name}={bound!r}: give {'two numbers' if name == 'between' else 'a number'}")
    if not np.isfinite(limits).all() or (name == "between" and limits[0] >= limits[1]):
        raise ValueError(f"{id}: {name}={bound!r}: give finite bounds, the smaller first")
    if name == "between":
        low, high = (float(b) for b in bound)
        return bool(((low <= numbers) & (numbers <= high)).all()), f"between {low:.12g} and {high:.12g}"
    held = numbers > float(bound) if name == "above" else numbers < float(bound)
    return bool(held.all()), f"{name} {float(bound):.12g}"


def _show(result: Result) -> None:
    """Display in a notebook, print elsewhere."""
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import display

        if getattr(get_ipython(), "kernel", None) is not None:
            display(result)
            return
    print(result)
