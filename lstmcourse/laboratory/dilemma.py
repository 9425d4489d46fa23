"""The dilemma of one tanh unit: what it still knows of its first input, and what gradient comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from .. import checks
from ..views.diagram.picture import Diagram
from ..views.style import css
from . import page
from .shown import Shown

__all__ = ["Dilemma", "dilemma"]

WIDEST, LONGEST = 3.0, 1000  # weight and steps
LEAST = 1e-12  # where the picture ends
WIDTH, HEIGHT, LEFT, TOP = 640, 260, 58, 12


@checks.given(weight=checks.real, steps=checks.at_least(1, LONGEST))
def dilemma(weight: float = 1.0, steps: int = 50) -> Dilemma:
    """Open the laboratory of one tanh unit, h = tanh(w h + x), whose first input is 1 or -1, all others 0.

    Parameters
    ----------
    weight : float
        The unit's weight onto itself, w, from 0 to 3.
    steps : int
        How many steps follow the first, at most 1,000.

    Returns
    -------
    Dilemma
        Displays itself: over all weights, what the unit still knows and what gradient comes back.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> switch = lc.dilemma(3.0, steps=20)
    >>> round(switch.knows, 2), switch.gradient < 1e-20
    (0.99, True)
    >>> switch.weight = 1.0
    >>> round(switch.knows, 2), round(switch.gradient, 2)
    (0.26, 0.04)
    """
    return Dilemma(weight, steps)


@final
class Dilemma(Shown):
    """One tanh unit with a weight onto itself; made by `dilemma`.

    Attributes
    ----------
    weight, steps : float, int
        As the page has them; both can be set.
    """

    def __init__(self, weight: float, steps: int):
        super().__init__()
        self._weight, self._steps = self._fits(weight), steps
        self._begin("dilemma")

    @staticmethod
    def _fits(weight: float) -> float:
        if not 0 <= weight <= WIDEST:
            raise ValueError(f"weight={weight}: the picture goes from 0 to {WIDEST:g}")
        return float(weight)

    @property
    def weight(self) -> float:
        """The unit's weight onto itself."""
        return self._weight

    @weight.setter
    def weight(self, weight: float) -> None:
        self._weight = self._fits(checks.real("weight", weight))
        self._tell()

    @property
    def steps(self) -> int:
        """How many steps follow the first."""
        return self._steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self._steps = checks.whole("steps", steps, 1, LONGEST)
        self._tell()

    @property
    def knows(self) -> float:
        """Half the difference that the first input, 1 or -1, makes to the state in the end."""
        return float(self.over(np.array([self.weight]))[0][0])

    @property
    def gradient(self) -> float:
        """The gradient of the last state with respect to the first."""
        return float(self.over(np.array([self.weight]))[1][0])

    def over(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is known, and the gradient, for several weights (N,): (N,) each.

        Examples
        --------
        >>> dilemma(1.0, steps=50).over([0.0, 3.0])[0].round(2).tolist()
        [0.0, 1.0]
        """
        weights = checks.finite("weights", checks.array("weights", weights, "iuf", ndim=1, axes="(N,)"))
        h = np.full(len(weights), np.tanh(1.0))
        gradient = np.ones(len(weights))
        for _ in range(self.steps):
            h = np.tanh(weights * h)
            gradient = gradient * weights * (1 - h * h)
        return h, gradient

    def _title(self) -> str:
        return "The dilemma of one tanh unit"

    def _html(self) -> str:
        spec = {
            **self._told(),
            "name": "Laboratory: one tanh unit with a weight onto itself",
            "title": self._title(),
            "widest": WIDEST,
            "longest": LONGEST,
            "least": LEAST,
            "box": [WIDTH, HEIGHT, LEFT, TOP],
        }
        return page.fragment(page.DILEMMA, self._still(), "const cell = null;", spec, self._key)

    def _still(self) -> Diagram:
        weights = np.linspace(0, WIDEST, 151)
        lines = []
        for a, hue, dash in zip(self.over(weights), ("blue", "orange"), ("", "6 4"), strict=True):
            at = np.log(np.clip(a, LEAST, 1)) / np.log(LEAST)
            points = " ".join(
                f"{LEFT + (WIDTH - LEFT - 8) * w / WIDEST:.1f},{TOP + (HEIGHT - TOP - 34) * y:.1f}"
                for w, y in zip(weights, at, strict=True)
            )
            style = f'fill="none" stroke="var(--lc-{hue})" stroke-width="2.5" stroke-dasharray="{dash}"'
            lines.append(f'<polyline points="{points}" {style}/>')
        desc = (
            f"After {self.steps} steps, over the weight from 0 to {WIDEST:g}, on a logarithmic scale: what "
            "the unit still knows of its first input is next to nothing below 1 and grows above it; the "
            "gradient that comes back is largest near 1 and vanishes on both sides."
        )
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" role="img"><title>{self._title()}</title><desc>{desc}</desc>'
            f"<style>{css('svg')}</style>{''.join(lines)}</svg>"
        )
        return Diagram(svg, self._title(), desc)

    def __repr__(self) -> str:
        return f"<Dilemma: a tanh unit with weight {self.weight:g}, {self.steps} steps>"

    def _told(self) -> dict[str, Any]:
        return {"weight": self.weight, "steps": self.steps}

    def _take(self, told: Mapping[str, Any]) -> None:
        self.weight, self.steps = told["weight"], told["steps"]
