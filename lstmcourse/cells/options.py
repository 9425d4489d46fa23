"""Checks of the options by which the members of a family differ."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import choice, truth


def subset(name: str, value: str, letters: str) -> str:
    """`value`, if it is some of the letters, each once; ValueError otherwise."""
    if not isinstance(value, str) or set(value) - set(letters) or len(set(value)) < len(value):
        raise ValueError(
            f"{name}={value!r}: it names some of {letters!r}, each once, such as {letters[:2]!r}"
        )
    return value


def flag(name: str, value: bool) -> bool:
    """`value`, if it is True or False; TypeError otherwise."""
    return truth(name, value)


def count(name: str, value: int) -> int:
    """`value`, if it is a whole number from 1; ValueError otherwise."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{name}={value!r}: it is a whole number from 1")
    return value


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """`value`, if it is one of the choices; UnknownNameError otherwise."""
    return choice(name, value, list(choices))  # of letters in a text, one
