"""How near sequences that a model wrote are to those that were asked for.

`bleu` is what translations are judged by, `error_rate` what transcriptions are: phonemes, characters, words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import at_least, given, listed, shown

__all__ = ["bleu", "error_rate"]


def _sentence(name: str, value: Any) -> Sequence:
    """A sequence of words or symbols, which can be counted."""
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, bytes):
        raise TypeError(f"{name}={shown(value)} does not fit: a list of words or symbols is needed")
    try:
        hash(tuple(value))
    except TypeError as error:
        raise TypeError(f"{name} holds what is no word and no symbol: {error}") from None
    return value


_CORPUS = listed(_sentence, "of sentences, each a list of words or symbols")


@given(hypotheses=_CORPUS, references=_CORPUS, order=at_least(1))
def bleu(hypotheses: Sequence[Sequence], references: Sequence[Sequence], order: int = 4) -> float:
    """BLEU of a corpus, from 0 to 100, one reference for each sentence.

    The geometric mean of the precisions of n-grams, n = 1 ... `order`, each counted over the whole corpus and
    clipped by the reference, times exp(1 - r/h) where the h words written are fewer than the r of the
    references. Nothing is smoothed: without one common n-gram of some length it is 0.

    Parameters
    ----------
    hypotheses, references : sequence of sequences
        Words or symbols. A str is a sequence of characters: split it first.
    order : int
        Longest n-gram.

    Raises
    ------
    ValueError
        For no sentences, different numbers of them, or an order below 1.

    References
    ----------
    K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, "BLEU: a Method for Automatic Evaluation of Machine
    Translation", ACL 2002.

    Examples
    --------
    >>> round(bleu(["the cat sat on the mat".split()], ["the cat sat on a mat".split()]), 2)
    53.73
    """
    _check(hypotheses, references)
    written, expected = (sum(map(len, side)) for side in (hypotheses, references))
    if not written:
        return 0.0
    nats = min(0.0, 1 - expected / written)
    for n in range(1, order + 1):
        hits = total = 0
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            grams, known = _grams(hypothesis, n), _grams(reference, n)
            hits, total = hits + (grams & known).total(), total + grams.total()
        if not hits:
            return 0.0
        nats += math.log(hits / total) / order
    return 100 * math.exp(nats)


@given(hypotheses=_CORPUS, references=_CORPUS)
def error_rate(hypotheses: Sequence[Sequence], references: Sequence[Sequence]) -> float:
    """Return the edits that turn the hypotheses into the references, for each symbol of these.

    An edit inserts, deletes or replaces a symbol (Levenshtein 1966). Of phonemes it is the phoneme error
    rate, of words the word error rate; it can exceed 1.

    Raises
    ------
    ValueError
        For no sequences, different numbers of them, or references that are all empty.

    Examples
    --------
    >>> error_rate(["K AE T".split()], ["K AA R T".split()])
    0.5
    """
    _check(hypotheses, references)
    symbols = sum(map(len, references))
    if not symbols:
        raise ValueError("all references are empty: there is nothing that the edits could be compared with")
    return sum(map(_distance, hypotheses, references)) / symbols


def _distance(a: Sequence, b: Sequence) -> int:
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + (x != y)))
        above = row
    return above[-1]


def _check(hypotheses: Sequence, references: Sequence) -> None:
    if not len(hypotheses) == len(references) > 0:
        raise ValueError(
            f"{len(hypotheses)} hypotheses, {len(references)} references: give as many of the one as of the "
            "other, and at least one"
        )


def _grams(words: Sequence, n: int) -> Counter:
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))
