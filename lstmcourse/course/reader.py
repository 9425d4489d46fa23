"""The trained readers: a small LSTM (notebooks 05 to 09) and a GRU (12) that have learnt a small language.

What a reader can do here: `load` it, as the notebooks do; `train` it again, from this or another seed; get
`rows` of the language to read, with the same kind of word at the same place in each (`steps` says where);
put together what it gets right with `answers`; and find the unit that carries a property with `carrier`.

The language is `lstmcourse.tasks.Agreement`: sentences about a new subject each, whose verb follows the
subject's number and whose pronoun follows its number and gender, across nouns that distract. The reader is
trained to predict every next word, as a language model is; on short sentences first, since from long ones
alone two of five seeds did not find out about gender ("starting small", J. L. Elman, Cognition 48, 1993).
Their files are written by ``python -m lstmcourse.course.reader``; a test trains them again and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..checks import at_least, given, instance, text, whole
from ..errors import UnknownNameError, nearest
from ..tasks import Agreement, Batch
from ..training import checkpoints, optim
from ..training.fit import fit
from ..training.inspection import a_model, probe, rewrite
from ..training.model import Model

__all__ = [
    "FILE",
    "HIDDEN",
    "STEPS",
    "Answers",
    "answers",
    "carrier",
    "flip",
    "language",
    "load",
    "rows",
    "steps",
    "train",
]


def a_batch(name: str, value: Any) -> Any:
    """A batch of words."""
    return instance(name, value, Batch, "lstmcourse.reader.rows()")


def a_pair(name: str, value: Any) -> tuple[int, int]:
    """Two numbers of steps."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name}={value!r} does not fit: two whole numbers are needed, such as (300, 800)")
    return tuple(whole(name, v, 0) for v in value)


FILE = Path(__file__).with_name("models") / "reader.safetensors"
HIDDEN = 32
STORED = {"lstm": (FILE, HIDDEN), "gru": (FILE.with_name("gru_reader.safetensors"), 38)}
"""Files and units of the stored readers: the GRU has as many units as make no more parameters."""
STEPS = (300, 800)
RATE = 2e-2


def language(gap: int | tuple[int, int] = (0, 4)) -> Any:
    """Return the task that the reader is trained on: three sentences a row, every word scored."""
    return Agreement(gap=gap, subjects=3, score="all")


@given(seed=at_least(0), steps=a_pair, hidden_size=at_least(1))
def train(
    seed: int = 0, cell: Any = "lstm", *, steps: tuple[int, int] = STEPS, hidden_size: int = HIDDEN
) -> Any:
    """Train a reader, in about 20 seconds.

    Parameters
    ----------
    seed : int
        Of the first parameters and of the sentences. The stored reader has 0.
    cell : Cell or str
        Another cell learns the same language with the same recipe.
    steps : (int, int)
        Updates on sentences without distractors, then on all sentences with the learning rate falling to 0.
    hidden_size : int
        Units.

    Returns
    -------
    Model
    """
    adam, (first, rest) = optim.Adam(RATE), steps
    model = Model(cell, language(gap=0), hidden_size=hidden_size, rng=seed)
    fit(model, first, optimizer=adam, seed=seed, progress=False)
    model = model.with_task(language())
    fit(model, rest, optimizer=adam, schedule=optim.Cosine(max(rest, 1)), seed=seed, progress=False)
    return model


@given(cell=text)
def load(cell: str = "lstm") -> Any:
    """Return a stored reader, a `Model`, in float64: what it says is then the same on every machine.

    Parameters
    ----------
    cell : {"lstm", "gru"}
        Which one.

    Raises
    ------
    UnknownNameError
        There is no stored reader of this cell.

    Examples
    --------
    >>> load()
    Model(lstm: 62 symbols -> 32 -> 62 for agreement, cross_entropy; 14,206 parameters, float64)
    """
    if cell not in STORED:
        raise UnknownNameError(f"cell={cell!r}: {nearest(cell, STORED)}")
    file, hidden = STORED[cell]
    stored = checkpoints.load(file)
    model = Model(cell, language(), hidden_size=hidden, dtype=np.float64)
    return model.with_params({name: p.astype(np.float64) for name, p in stored.params.items()})


@given(count=at_least(1, 10**7), gap=at_least(0, 10**5), subjects=at_least(1, 10**4), seed=at_least(0))
def rows(count: int = 256, *, gap: int = 3, subjects: int = 3, seed: int = 0, **options: Any) -> Any:
    """Return test rows of the language in which verbs and pronouns are scored.

    Every row has the same plan, so that a step is the same kind of word in all of them: the subject's step
    is 1 in the first sentence, and each sentence has ``2 gap + 8`` words.

    Parameters
    ----------
    count : int
        Rows, B.
    gap, subjects : int
        Words between a subject and its verb; sentences of a row.
    seed : int
        Another draw of test rows.
    **options
        Of `lstmcourse.tasks.Agreement`, such as ``attractors="opposite"``.

    Returns
    -------
    Batch
        x and y (T, B), and the mask of the scored steps: those whose next word is a verb or a pronoun.

    Examples
    --------
    >>> batch = rows(4)
    >>> batch.x.shape, bool((batch.mask == batch.mask[:, :1]).all())
    ((41, 4), True)
    """
    task = Agreement(gap=gap, subjects=subjects, **options)
    return task.batch("test", batch_size=count, seed=seed)


_KINDS = ("the", "subject", "gap", "verb", "mood", "and", "gap 2", "pronoun", "deed", "stop")
_HELD = _KINDS[1:7]


@given(batch=a_batch, gap=at_least(0, 10**5), first=at_least(0))
def steps(batch: Any, *kinds: str, gap: int = 3, first: int = 0) -> np.ndarray:
    """Say at which steps a kind of word is read, in rows from `rows`.

    Parameters
    ----------
    batch : Batch
    *kinds : str
        ``"the"`` that opens a sentence, ``"subject"``, ``"gap"`` (between subject and verb), ``"verb"``,
        ``"mood"``, ``"and"``, ``"gap 2"``, ``"pronoun"``, ``"deed"``, ``"stop"`` (the full stop); of several
        all are given. ``"held"``: from the subject to the word before the pronoun.
    gap : int
        As `rows` was given it.
    first : int
        Sentences before this one, counted from 0, are left out.

    Returns
    -------
    ndarray (T,) bool

    Examples
    --------
    >>> np.flatnonzero(steps(rows(2), "subject", "stop"))
    array([ 1, 13, 15, 27, 29])
    """
    repeats = {"gap": gap, "gap 2": gap}
    plan = [kind for kind in _KINDS for _ in range(repeats.get(kind, 1))]
    kinds = tuple(text("kinds", kind) for kind in kinds)
    wanted = {other for kind in kinds for other in (_HELD if kind == "held" else (kind,))}
    if unknown := wanted - set(_KINDS):
        raise UnknownNameError(
            f"kinds: no word is of the kind {unknown.pop()!r}: the kinds are {', '.join(_KINDS)}"
        )
    at = np.arange(len(batch.x))
    return np.isin(np.array(plan)[at % len(plan)], list(wanted)) & (at >= first * len(plan))


@given(model=a_model, what=text, batch=a_batch, gap=at_least(0, 10**5))
def carrier(model: Any, what: str, batch: Any | None = None, *, gap: int = 3) -> tuple[int, float]:
    """Find the unit whose cell state tells the current subject's gender, or number, best.

    One threshold has to serve at every step at which the property is still needed: from the subject to the
    word before the pronoun for the gender of a single person, to the word before the verb for the number. It
    is fitted on one half of the rows, and judged on the other.

    Parameters
    ----------
    model : Model
    what : {"gender", "number"}
    batch : Batch, optional
        Rows from `rows`; 512 of them if not given.
    gap : int
        As `rows` was given it.

    Returns
    -------
    (int, float)
        The unit, and the share that it tells right on the second half, 0.5 being chance.

    Examples
    --------
    >>> unit, share = carrier(load(), "gender")
    >>> share > 0.9
    True
    """
    batch = rows(512, gap=gap) if batch is None else batch
    c = model.unroll(batch.x)["c"]
    half = batch.x.shape[1] // 2
    (fit, fit_labels), (test, test_labels) = (
        _examples(c[:, part], batch.x[:, part], what, gap) for part in (slice(half), slice(half, None))
    )
    found = probe(fit, fit_labels)
    unit = int(found.order[0])
    return unit, float(found.score(test, test_labels)[unit])


def _examples(c: np.ndarray, x: np.ndarray, what: str, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cell states (N, H) and classes (N,) where a property is held."""
    notes = language().annotate(x)
    if what not in ("gender", "number"):
        raise UnknownNameError(f"what={what!r}: {nearest(what, ('gender', 'number'))}")
    at = np.arange(len(x)) % (2 * gap + 8)
    if what == "gender":
        where = ((at >= 1) & (at <= 2 * gap + 4))[:, None] & (notes["number"] == -1)
    else:
        where = np.broadcast_to(((at >= 1) & (at <= gap + 1))[:, None], x.shape)
    return c[where], notes[what][where] == 1


@given(model=a_model, batch=a_batch, unit=at_least(0), step=at_least(0))
def flip(model: Any, batch: Any, unit: int, step: int) -> np.ndarray:
    """Return predictions when a unit's cell state, behind a step, is set to that of the other gender.

    Parameters
    ----------
    model : Model
    batch : Batch
        Rows from `rows`.
    unit, step : int
        Whose state, and behind which step. The mean of the other gender's at that step is put in its place.

    Returns
    -------
    ndarray (T, B, K)
    """
    whole("unit", unit, 0, model.hidden_size - 1)
    whole("step", step, 1, len(batch.x) - 2)  # of the subject, gender and number are known
    notes = language().annotate(batch.x)
    feminine, one = notes["gender"][step] == 1, notes["number"][step] == -1

    def exchange(state):
        c = state["c"][:, unit]
        she, he = c[feminine & one].mean(), c[~feminine & one].mean()
        state["c"][:, unit] = np.where(feminine, he, she)
        return state

    return rewrite(model, batch.x, step, exchange)


class Answers(dict):
    """Shares of right answers by what was asked, ``{"verb": 1.0, ...}``; shown with two decimals."""

    def __repr__(self) -> str:
        return ", ".join(f"{what} {share:.2f}" for what, share in self.items())


@given(batch=a_batch)
def answers(prediction: np.ndarray, batch: Any) -> Answers:
    """Put together what predictions get right, by the property that decides the answer.

    Parameters
    ----------
    prediction : ndarray (T, B, K)
        Probabilities of the next word.
    batch : Batch
        Rows from `rows`.

    Returns
    -------
    Answers
        A dict of str to float. ``"verb"``: is or are, which follows the subject's number. ``"number"``: they,
        or one of he and she. ``"gender"``: he or she, where the subject is singular. Chance is 1/2 for each.
        The more probable alternative counts as the answer; what no step asks for is left out.

    Examples
    --------
    >>> batch = rows(64)
    >>> answers(load().predict(batch.x), batch)
    verb 1.00, number 1.00, gender 1.00
    """
    task = language()
    prediction = task._fits(prediction, batch)
    (is_, are), (he, she, they) = task.verb_words, task.pronoun_words
    p, y = prediction[batch.mask], batch.y[batch.mask]
    plural = p[:, they] > p[:, he] + p[:, she]
    right = {
        "verb": (np.isin(y, task.verb_words), (p[:, are] > p[:, is_]) == (y == are)),
        "number": (np.isin(y, task.pronoun_words), plural == (y == they)),
        "gender": (np.isin(y, (he, she)), (p[:, she] > p[:, he]) == (y == she)),
    }
    return Answers({key: float(hits[asked].mean()) for key, (asked, hits) in right.items() if asked.any()})


def main() -> None:
    """Train the readers and write their files."""
    for cell, (file, hidden) in STORED.items():
        facts = {"steps": list(STEPS), "learning_rate": RATE, "seed": 0}
        checkpoints.save(file, train(cell=cell, hidden_size=hidden), facts=facts)


if __name__ == "__main__":
    main()
