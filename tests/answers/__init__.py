"""Answers to the exercises, right ones and wrong ones: what the checks are tested with.

A module for each notebook, ``nb05``, declares them by `right` and `wrong`; `load` gives those of one
exercise. They lie outside the package, where no learner trips over them.

    from answers import load

    load("05.2").right      # a list: each is accepted
    load("05.2").wrong      # by name: each is refused, and named
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answers", "load", "right", "wrong"]


@dataclass
class Answers:
    """Answers to one exercise."""

    right: list[Any] = field(default_factory=list)
    wrong: dict[str, Any] = field(default_factory=dict)


_ALL: dict[str, Answers] = {}


def right(id: str, *answers: Any) -> None:
    """Declare answers that are right."""
    _ALL.setdefault(id, Answers()).right += answers


def wrong(id: str, mistake: str, answer: Any) -> None:
    """Declare an answer that is wrong, and the name that the check gives its mistake."""
    known = _ALL.setdefault(id, Answers()).wrong
    if mistake in known:
        raise ValueError(f"{id}: there are two wrong answers called {mistake!r}")
    known[mistake] = answer


def load(id: str) -> Answers:
    """Return the answers to an exercise."""
    importlib.import_module(f"{__name__}.nb{id.partition('.')[0]}")
    return _ALL[id]
