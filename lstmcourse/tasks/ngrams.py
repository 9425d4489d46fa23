"""What a text can be predicted to without a network: counts of n-grams, and a compressor.

What a reader can do here: `ngram_bits` counts which character follows which context in one text, and says how
many bits a character of another text costs; `xz_bits` asks a general-purpose compressor the same.
"""

from __future__ import annotations

import lzma
import math
from collections import Counter, defaultdict

from ..checks import at_least, given, text

__all__ = ["ngram_bits", "xz_bits"]


@given(train=text, test=text, order=at_least(0, 1000), alphabet=at_least(1))
def ngram_bits(train: str, test: str, order: int, *, alphabet: int | None = None) -> list[float]:
    """Bits per character of a text under n-gram models of another, for every context length up to `order`.

    The models are interpolated as by Witten & Bell: after a context seen N times, with T different
    characters, a character seen n times has probability ``(n + T q) / (N + T)``, where q is its probability
    after the context that is one character shorter; below the empty context stands the uniform distribution.

    Parameters
    ----------
    train, test : str
        What is counted, and what is predicted.
    order : int
        Longest context, in characters.
    alphabet : int, optional
        How many characters there are; those of `train` and one for all others if not given.

    Returns
    -------
    list of float
        Element k is for contexts of up to k characters, k = 0 ... `order`.

    References
    ----------
    I. H. Witten, T. C. Bell, "The Zero-Frequency Problem", IEEE Trans. Information Theory 37(4), 1991.

    Examples
    --------
    >>> [round(bits, 2) for bits in ngram_bits("abababab", "ababab", order=1, alphabet=2)]
    [1.0, 0.31]
    """
    if not train or not test:
        raise ValueError(
            f"train has {len(train)} characters to count, test {len(test)} to predict: give two texts"
        )
    counts: list[dict[str, Counter]] = []
    for k in range(order + 1):
        after: dict[str, Counter] = defaultdict(Counter)
        for end in range(k, len(train)):
            after[train[end - k : end]][train[end]] += 1
        counts.append(after)
    totals = [{context: followers.total() for context, followers in after.items()} for after in counts]
    uniform = 1.0 / (alphabet or len(set(train)) + 1)
    bits = [0.0] * (order + 1)
    for end, character in enumerate(test):
        p = uniform
        for k in range(order + 1):
            followers = counts[k].get(test[end - k : end]) if k <= end else None
            if followers is not None:
                kinds = len(followers)
                p = (followers[character] + kinds * p) / (totals[k][test[end - k : end]] + kinds)
            bits[k] -= math.log2(p)
    return [b / len(test) for b in bits]


@given(train=text, test=text)
def xz_bits(train: str, test: str) -> float:
    """Bits per character by which `test` lengthens the file when xz compresses it together with `train`.

    Examples
    --------
    >>> xz_bits("the clouds are in the sky. " * 50, "the clouds are in the sky. " * 50) < 0.5
    True
    """
    if not test:
        raise ValueError("test is empty: there is nothing to predict")
    both, first = (
        len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)) for text in (train + test, train)
    )
    return 8 * (both - first) / len(test)
