"""`Verdict`: what every check returns."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

__all__ = ["Verdict"]


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; true where the cell is right. Displays itself, alike on every machine.

    Attributes
    ----------
    right : bool
    message : str
        What is wrong and where to look, or what is right.
    mistake : str
        The name of the mistake, where one was recognised; empty where the answer is right.
    equation : str
        The first equation that departs from the reference, where it was looked for.

    Examples
    --------
    >>> Verdict(False, "Look at the line for c.")
    Not yet: Look at the line for c.
    """

    right: bool
    message: str
    mistake: str = ""
    equation: str = ""

    @property
    def outcome(self) -> str:
        """The verdict in a word or two."""
        return "Right" if self.right else "Not yet"

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return f"{self.outcome}: {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(self.message))
        return (
            f'<div class="lc-verdict" style="border-left: 4px solid {"#009e73" if self.right else "#d55e00"};'
            f' padding: 0.3em 0.9em; margin: 0.4em 0">'
            f"<strong>{self.outcome}</strong> {words}</div>"
        )
