"""What a text can be predicted to without a network: counts of n-grams, and compressors.

What a reader can do here: `ngram_bits` counts which character follows which context in one text, and says how
many bits a character of another text costs; `kneser_ney` does it better, and says it for every character;
`xz_bits` asks a general-purpose compressor the same, `compressor_bits` several.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import math
import shutil
import subprocess
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from ..checks import at_least, given, text

__all__ = ["compressor_bits", "kneser_ney", "ngram_bits", "xz_bits"]


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


@given(train=text, test=text, order=at_least(0, 1000), alphabet=at_least(1))
def kneser_ney(train: str, test: str, order: int, *, alphabet: int | None = None) -> np.ndarray:
    """Bits that each character of a text costs under modified Kneser-Ney models of another [1]_.

    A count c is lowered by a discount D(c), one for c = 1, for c = 2 and for all above. What is saved goes to
    the context that is one character shorter. There a character does not weigh as often as it was seen, but
    in how many contexts: "Francisco" is frequent, but only after "San". Below the empty context stands the
    uniform distribution. The test text goes on where the training text ends.

    Parameters
    ----------
    train, test : str
        What is counted, and what is predicted. A character that `train` lacks counts as one for all others.
    order : int
        Longest context, in characters.
    alphabet : int, optional
        How many characters there are; those of `train` and one for all others if not given.

    Returns
    -------
    ndarray (order + 1, len(test))
        Row k is for contexts of up to k characters.

    References
    ----------
    .. [1] S. F. Chen, J. Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", Harvard
       TR-10-98, 1998, section 3.

    Examples
    --------
    >>> kneser_ney("abababababab", "abab", order=1).mean(axis=1).round(2)
    array([1.13, 0.25])
    """
    if not train or not test:
        raise ValueError(
            f"train has {len(train)} characters to count, test {len(test)} to predict: give two texts"
        )
    N = len(train)
    points = np.frombuffer((train + test).encode("utf-32-le", "surrogatepass"), np.uint32)
    known, x = np.unique(points[:N], return_inverse=True)
    place = np.minimum(np.searchsorted(known, points[N:]), len(known) - 1)
    x = np.concatenate([x, np.where(known[place] == points[N:], place, len(known))])
    levels = _grams(x, N, order + 1)
    context, below = np.zeros(len(x), np.int64), np.full(len(test), 1 / (alphabet or len(known) + 1))
    gram, first = next(levels)
    bits = np.empty((order + 1, len(test)))
    for k in range(order + 1):
        longer = next(levels)
        # How often each gram was seen; and how many characters were seen before it.
        seen = np.bincount(gram[k:N], minlength=gram.max() + 1)
        before = np.bincount(gram[longer[1]], minlength=len(seen))
        bits[k] = -np.log2(_discounted(seen, gram, context, first, N, below))
        below = _discounted(before, gram, context, first, N, below)
        context = np.concatenate([[0], gram[:-1]])
        gram, first = longer
    return bits


def _grams(x: np.ndarray, N: int, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For 1, 2, ... characters, up to one more than `most`: a number for the gram that ends at each place,
    and of the grams among the first N characters one place for each.
    """
    gram, size = x, int(x.max()) + 1
    for k in range(most + 1):
        if k:
            gram = np.concatenate([np.zeros(1, np.int64), gram[:-1]]) * size + x
        gram[:k] = -1  # they would begin before the text does
        _, first, gram = np.unique(gram, return_index=True, return_inverse=True)
        yield gram, first[(first >= k) & (first < N)]


def _discounted(
    count: np.ndarray,
    gram: np.ndarray,
    context: np.ndarray,
    first: np.ndarray,
    N: int,
    below: np.ndarray,
) -> np.ndarray:
    """The probability of each character after the first N, of counts by gram and of what is said `below`."""
    n = [int((count == c).sum()) for c in (1, 2, 3, 4)]
    half = np.array([0.5, 1.0, 1.5])
    if all(n):
        Y = n[0] / (n[0] + 2 * n[1])
        D = np.array([c - (c + 1) * Y * n[c] / n[c - 1] for c in (1, 2, 3)])
    else:  # too little text to say
        D = half
    discount = np.concatenate([[0.0], np.where((D > 0) & (D < 2 * half), D, half)])
    taken = discount[np.minimum(count, 3)]
    owner = context[first]  # every gram's context
    size = int(context.max()) + 1
    total = np.bincount(owner, count[gram[first]], size)[context[N:]]
    saved = np.bincount(owner, taken[gram[first]], size)[context[N:]]
    own = (count - taken)[gram[N:]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (own + saved * below) / total, below)


@given(train=text, test=text)
def compressor_bits(train: str, test: str) -> dict[str, float]:
    """Bits per character by which `test` lengthens the file when it is compressed together with `train`.

    Each compressor has its best settings: gzip and bzip2 level 9, xz its extreme preset with the better of
    two settings for text, zstd level 22 with a window over everything. zstd is left out where neither Python
    (from 3.14 on), nor the package zstandard, nor a program of that name is there.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> text = "the clouds are in the sky. " * 50
    >>> max(compressor_bits(text, text).values()) < 1
    True
    """
    if not test:
        raise ValueError("test is empty: there is nothing to predict")
    both, first = (train + test).encode(), train.encode()
    return {
        name: 8 * min(len(compress(both)) - len(compress(first)) for compress in ways) / len(test)
        for name, ways in _COMPRESSORS.items()
        if name != "zstd" or _zstd(b"") is not None
    }


def _xz(**options: int) -> Callable[[bytes], bytes]:
    """The compressor xz, as it is good for text."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, **options}]
    return lambda data: lzma.compress(data, filters=filters)


def _zstd(data: bytes) -> bytes | None:
    """The data compressed, or None where there is no zstd."""
    level, log = 22, 27
    try:
        zstd = importlib.import_module("compression.zstd")
        p = zstd.CompressionParameter
        return zstd.compress(data, options={p.compression_level: level, p.window_log: log})
    except ImportError:
        pass
    try:
        zstandard = importlib.import_module("zstandard")
        how = zstandard.ZstdCompressionParameters.from_level(level, window_log=log)
        return zstandard.ZstdCompressor(compression_params=how).compress(data)
    except ImportError:
        pass
    if (program := shutil.which("zstd")) is None:
        return None
    command = [program, "--ultra", f"-{level}", f"--long={log}", "-c"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


_COMPRESSORS: dict[str, tuple[Callable[[bytes], bytes], ...]] = {
    "gzip": (lambda data: zlib.compress(data, 9),),
    "bzip2": (lambda data: bz2.compress(data, 9),),
    "xz": (_xz(), _xz(lc=4, pb=0)),
    "zstd": (_zstd,),
}
