"""What is given, checked where it comes in: one function for each kind of argument, and errors that name it.

Each takes the argument's name and its value, and returns the value ready for use; what does not fit raises
a TypeError or a ValueError (or one with a name, see `lstmcourse.errors`) that says the name, what was given,
and what fits. A message begins with the name, so that a caller who passes many things knows which it was.
"""

from __future__ import annotations

import functools
import inspect
import os
import reprlib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np

from .errors import DtypeError, NotFiniteError, ShapeError, UnknownNameError, nearest

__all__ = [
    "ANY",
    "above_zero",
    "array",
    "at_least",
    "choice",
    "dtype",
    "encodable",
    "finite",
    "function",
    "generator",
    "given",
    "instance",
    "listed",
    "mapping",
    "memory",
    "named",
    "number",
    "numbers",
    "real",
    "same_shape",
    "shown",
    "text",
    "truth",
    "whole",
]

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: object) -> str:
    """What was given, on one short line.

    Examples
    --------
    >>> shown(["rnn"] * 100)
    "['rnn', 'rnn', 'rnn', 'rnn', 'rnn', 'rnn', ...]"
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<{type(value).__name__} of {value.dtype}, shape {value.shape}>"
    return " ".join(_SHORT.repr(value).split())


def encodable(text: str) -> str:
    """What is printed, such as a `repr`, with escapes for letters that the console's encoding lacks.

    Examples
    --------
    >>> encodable("h")
    'h'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


# Numbers, words, and other single things.


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number from `least` to `most`.

    Examples
    --------
    >>> whole("steps", 2.5, 0)
    Traceback (most recent call last):
        ...
    TypeError: steps=2.5 does not fit: a whole number is needed
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={shown(value)} does not fit: a whole number is needed")
    if value < least or (most is not None and value > most):
        fits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name}={shown(value)} does not fit: {name} is {fits}")
    return int(value)


def number(
    name: str,
    value: object,
    least: float,
    most: float,
    *,
    open_ends: bool = False,
    without: float | None = None,
    needed: str = "",
) -> float:
    """A number in [least, most], in (least, most), or in [least, most] without one end."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}={shown(value)} does not fit: a number is needed")
    fits = least < value < most if open_ends else least <= value <= most and value != without
    if not fits:
        ends = f"between {least} and {most}, ends excluded" if open_ends else f"from {least} to {most}"
        ends += "" if without is None else f", {without} excluded"
        raise ValueError(f"{name}={shown(value)} does not fit: {needed or f'{name} lies {ends}'}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name}={shown(value)} does not fit: it is larger than any float") from None


def truth(name: str, value: object) -> bool:
    """True or False, and nothing that only counts as such.

    Examples
    --------
    >>> truth("dropout", 0.5)
    Traceback (most recent call last):
        ...
    TypeError: dropout=0.5 does not fit: True or False is needed
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={shown(value)} does not fit: True or False is needed")
    return bool(value)


def text(name: str, value: object) -> str:
    """A str."""
    if not isinstance(value, str):
        raise TypeError(f"{name}={shown(value)} does not fit: text (str) is needed")
    return value


def choice(name: str, value: object, names: Collection[str]) -> str:
    """A word that is one of `names`."""
    if not isinstance(value, str) or value not in names:
        raise UnknownNameError(
            f"{name}={shown(value)} does not fit: {nearest(value if isinstance(value, str) else '', names)}"
        )
    return value


def function(name: str, value: object, what: str) -> Callable:
    """Something that can be called; `what` says with what, and gives what."""
    if not callable(value):
        raise TypeError(f"{name}={shown(value)} does not fit: it must be callable, {what}")
    return value


def instance(name: str, value: Any, kind: type | tuple[type, ...], such_as: str, called: str = "") -> Any:
    """An object of a class, which may be called otherwise; `such_as` says where one is to be had."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        needed = called or " or ".join(k.__name__ for k in kinds)
        a = "an" if needed[0] in "AEIOU" else "a"
        raise TypeError(f"{name}={shown(value)} does not fit: {a} {needed} is needed, such as {such_as}")
    return value


def mapping(name: str, value: Any, what: str, *, optional: bool = False) -> Mapping:
    """A mapping by name; or, where it may be left out, nothing."""
    if value is None and optional:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}={shown(value)} is of type {type(value).__name__}; it is a dict {what}")
    if wrong := [k for k in value if not isinstance(k, str)]:
        raise TypeError(f"{name} has the key {shown(wrong[0])}; its keys are names (str)")
    return value


def generator(name: str, value: object, default: int | None = None) -> np.random.Generator:
    """A source of random numbers: what was given, or one made of a seed; of `default` where it is None."""
    if isinstance(value, np.random.Generator):
        return value
    if value is None:
        return np.random.default_rng(default)
    right = (
        f"{name} is a numpy.random.Generator, such as np.random.default_rng(0), or a seed, a whole number "
        "from 0"
    )
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={shown(value)} does not fit: {right}")
    if value < 0:
        raise ValueError(f"{name}={shown(value)} does not fit: {right}")
    return np.random.default_rng(int(value))


# Arrays.

_KINDS = {
    "b": "True and False",
    "i": "whole numbers",
    "u": "whole numbers",
    "f": "floats",
    "c": "complex numbers",
}
ANY = "biufcOUSMmV"
_PLAIN = (bool, int, float, complex, str, bytes, np.generic)


def array(
    name: str,
    value: Any,
    kinds: str = "biuf",
    *,
    ndim: int | None = None,
    axes: str = "",
    rule: str = "fill them up",
) -> np.ndarray:
    """A plain array of what was given: an ndarray as it is, lists as NumPy reads them.

    What means more than its numbers is refused, for that would be lost: masks, units, labelled axes,
    matrices, other libraries' tensors.

    Parameters
    ----------
    name : str
    value : ndarray, number, or nested list or tuple of such
    kinds : str
        Which of NumPy's kinds of dtype may come: "b", "i", "u", "f", "c".
    ndim : int, optional
        How many axes.
    axes, rule : str, optional
        For the messages: what the axes are, such as "(T, B, D)"; what to do about lists of unequal lengths.

    Examples
    --------
    >>> array("x", np.ma.masked_array([1.0, 2.0], mask=[True, False]))
    Traceback (most recent call last):
        ...
    TypeError: x is a masked array, whose mask would be dropped; pass its data, and say with lengths= ...
    >>> array("units", [0.5], "iu")
    Traceback (most recent call last):
        ...
    lstmcourse.errors.DtypeError: units holds float64; whole numbers are needed
    """
    if type(value) is not np.ndarray:
        _refuse_more_than_numbers(name, value)
        try:
            value = np.asarray(value)
        except (ValueError, OverflowError):
            raise TypeError(
                f"{name} is a {type(value).__name__} of lists of unequal lengths, and makes no array; {rule}"
            ) from None
    if value.dtype.kind not in kinds:
        needed = " or ".join(dict.fromkeys(_KINDS[k] for k in kinds))
        raise DtypeError(f"{name} holds {value.dtype}; {needed} are needed")
    if ndim is not None and value.ndim != ndim:
        raise ShapeError(
            f"{name} has shape {value.shape}, {value.ndim} axes; it needs {axes or f'{ndim} axes'}"
        )
    return value


def _refuse_more_than_numbers(name: str, value: Any) -> None:
    if isinstance(value, (list, tuple, range)):
        for part in value:
            if not isinstance(part, _PLAIN) and type(part) is not np.ndarray:
                _refuse_more_than_numbers(f"{name}[...]", part)
        return
    if isinstance(value, _PLAIN) or type(value) in (np.ndarray, np.memmap):
        return
    kind, module = type(value).__name__, type(value).__module__.partition(".")[0]
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be dropped; pass its data, and say with lengths= "
            "where sequences end, or with a Batch's mask what is scored"
        )
    if isinstance(value, np.ndarray) or hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        how = f"{name}.detach().cpu().numpy()" if hasattr(value, "detach") else f"np.array({name})"
        raise TypeError(
            f"{name} is a {module}.{kind}, of which only the numbers would be used; if that is meant, "
            f"pass {how}"
        )
    raise TypeError(f"{name}={shown(value)} is of type {kind}; an array of numbers is needed")


def dtype(value: Any, name: str = "dtype") -> np.dtype:
    """float32, float64 or complex128; a DtypeError that says what it is of otherwise."""
    fits = "use float32 (training), float64 (checks) or complex128 (complex-step derivatives)"
    try:
        found = np.dtype(value)
    except (TypeError, ValueError):
        found = None
    if value is None or found is None:
        raise DtypeError(f"{name}={shown(value)} is no dtype: {fits}")
    if found not in (np.float32, np.float64, np.complex128):
        raise DtypeError(f"{name} is {found}: {fits}")
    return found


def finite(name: str, a: np.ndarray, what: str = "") -> np.ndarray:
    """An array without NaN and infinity; NotFiniteError says where the first is."""
    good = np.isfinite(a)
    if not good.all():
        at = tuple(np.argwhere(~good)[0].tolist())
        value = "NaN" if np.isnan(a[at]) else str(a[at])
        raise NotFiniteError(f"{name} is {value} at {at}; {what or 'finite numbers are needed'}")
    return a


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Whether no array holds NaN or infinity; small ones are looked at end to end.

    Examples
    --------
    >>> all_finite([np.ones(2), np.ones((2, 3))]), all_finite([np.ones(2), np.array([[np.nan]])])
    (True, False)
    """
    small: dict[np.dtype, list[np.ndarray]] = {}
    for a in arrays:
        if a.size <= 4096:
            small.setdefault(a.dtype, []).append(a.ravel())
        elif not np.isfinite(a).all():
            return False
    return all(bool(np.isfinite(np.concatenate(parts)).all()) for parts in small.values())


def same_shape(name: str, a: np.ndarray, other: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of the shape of another, which is not broadcast."""
    if a.shape != shape:
        raise ShapeError(f"{name} has shape {a.shape}, and {other} {shape}; they must be the same")
    return a


# Several arguments at once.

Rule = Callable[[str, Any], Any]


def at_least(least: int, most: int | None = None) -> Rule:
    """The rule of a whole number, for `given`."""
    return lambda name, value: whole(name, value, least, most)


def real(name: str, value: object) -> float:
    """A finite number."""
    return number(name, value, -np.inf, np.inf, open_ends=True, needed="a finite number is needed")


def above_zero(name: str, value: object) -> float:
    """A finite number above 0."""
    return number(name, value, 0, np.inf, open_ends=True)


def numbers(ndim: int | None = None, kinds: str = "biuf", axes: str = "") -> Rule:
    """The rule of an array of numbers, for `given`."""
    return lambda name, value: array(name, value, kinds, ndim=ndim, axes=axes)


def listed(each: Rule, what: str) -> Rule:
    """The rule of a list or tuple with a rule for its elements, for `given`."""

    def rule(name: str, value: Any) -> Any:
        if not isinstance(value, (list, tuple, range)):
            raise TypeError(f"{name}={shown(value)} is of type {type(value).__name__}; it is a list {what}")
        return type(value)(each(f"{name}[{k}]", v) for k, v in enumerate(value)) if value else value

    return rule


def named(each: Rule, what: str) -> Rule:
    """The rule of a mapping with a rule for its values, for `given`."""

    def rule(name: str, value: Any) -> Any:
        return {k: each(f"{name}[{k!r}]", v) for k, v in mapping(name, value, what).items()}

    return rule


def given(**rules: Rule) -> Callable[[Callable], Callable]:
    """Check arguments, by name, before a function runs; what may be None, and is, is left alone.

    For functions that are not called in a loop: it takes some microseconds.

    Examples
    --------
    >>> @given(steps=at_least(1), title=text)
    ... def panel(steps, title=None):
    ...     return steps, title
    >>> panel(2)
    (2, None)
    >>> panel(0)
    Traceback (most recent call last):
        ...
    ValueError: steps=0 does not fit: steps is at least 1
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)
        optional = {n for n, p in signature.parameters.items() if p.default is None}

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            for name, rule in rules.items():
                if name in bound.arguments and (name not in optional or bound.arguments[name] is not None):
                    bound.arguments[name] = rule(name, bound.arguments[name])
            return function(*bound.args, **bound.kwargs)

        return checked

    return decorate


# Memory.


@functools.cache
def _machine() -> int:
    """Bytes of memory; where a system does not say, more than any has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**44


def memory(what: str, count: int, itemsize: int = 8) -> None:
    """Refuse, before anything is allocated, so many numbers as this machine cannot hold.

    Examples
    --------
    >>> memory("hidden_size=1000000000: the parameters", 4 * 10**18)
    Traceback (most recent call last):
        ...
    ValueError: hidden_size=1000000000: the parameters would take 29,802,322,387 GiB; this machine has ...
    """
    if count * itemsize > _machine():
        raise ValueError(
            f"{what} would take {count * itemsize // 2**30:,} GiB; this machine has "
            f"{_machine() / 2**30:.1f} GiB"
        )
