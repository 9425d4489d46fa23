"""The link between a laboratory in a page and Python: a widget that is never displayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from . import page

__all__ = ["Bridge"]


class Bridge(anywidget.AnyWidget):
    """What both sides know, `told`; `heard` counts what came from the page, which so sees Python answer."""

    key = traitlets.Unicode().tag(sync=True)
    told = traitlets.Dict().tag(sync=True)
    heard = traitlets.Int(0).tag(sync=True)

    def __init__(self, key: str, told: Mapping[str, Any], hear: Callable[[Mapping[str, Any]], None]):
        self._hear, self._telling = hear, False
        super().__init__(key=key, told=dict(told), _esm=page.bridge())

    def tell(self, told: Mapping[str, Any]) -> None:
        """Send to the page."""
        self._telling = True
        try:
            self.told = dict(told)
        finally:
            self._telling = False

    @traitlets.observe("told")
    def _on_told(self, change: Mapping[str, Any]) -> None:
        if not self._telling and change["old"] is not traitlets.Undefined and change["old"]:
            self._hear(change["new"])
            self.heard += 1
