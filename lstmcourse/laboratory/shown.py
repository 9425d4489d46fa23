"""What every laboratory is in a page: one output, a file of its own, and the link between page and Python."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..files import whole
from . import page

__all__ = ["Shown"]


class Shown:
    """A subclass says what the page shows (`_html`), what page and Python agree about (`_told`), how it takes
    what the page says (`_take`), and begins its life with `_begin`.
    """

    def __init__(self) -> None:
        self._bridge: Any = None
        self._key = ""

    def save(self, path: str | Path) -> Path:
        """Write a page of its own, which works from the disk and without a network; return its path."""
        return whole.replace(path, page.document(self._title(), self._html()).encode())

    def _title(self) -> str:
        raise NotImplementedError

    def _html(self) -> str:
        raise NotImplementedError

    def _told(self) -> dict[str, Any]:
        raise NotImplementedError

    def _take(self, told: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _begin(self, *facts: Any) -> None:
        """Give it its name in pages: what it begins with, and how many began so before."""
        digest = hashlib.sha256(repr((*facts, self._told())).encode()).hexdigest()[:10]
        _made[digest] += 1
        self._key = f"lab-{digest}-{_made[digest]}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        self._open()
        return {"text/html": self._html(), "text/plain": repr(self)}

    def _open(self) -> None:
        if self._bridge is None:
            from .bridge import Bridge

            self._bridge = Bridge(self._key, self._told(), self._heard)

    def _tell(self) -> None:
        if self._bridge is not None:
            self._bridge.tell(self._told())

    def _heard(self, told: Mapping[str, Any]) -> None:
        """Take what the page says."""
        self._quietly(lambda: self._take(told))

    def _quietly(self, change: Callable[[], None]) -> None:
        """Change something without a word to the page."""
        quiet, self._bridge = self._bridge, None
        try:
            change()
        finally:
            self._bridge = quiet


_made: Counter[str] = Counter()
