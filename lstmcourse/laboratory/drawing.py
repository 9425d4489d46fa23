"""A trained network that copies pictures by drawing: the picture, its copy, and both windows at each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from .. import checks
from ..engine import numeric
from ..errors import ShapeError
from ..run.run import Run
from ..run.unroll import unroll
from ..training.latent import Latent
from ..views.diagram.picture import Diagram
from . import page, weights
from .shown import Shown
from .still import drawn, text_at

__all__ = ["DrawingLab"]

EXAMPLES = 6  # pictures to pick from
SIDE, TOP = 176, 26  # pixels of the still picture
LEVELS = 8  # of ink, in the still picture


@final
class DrawingLab(Shown):
    """A network that draws, a picture, and its copy; made by `lstmcourse.lab`.

    Its messages are without noise, each at its mean.

    Attributes
    ----------
    picture : ndarray (Y, X)
        What is copied, from 0, paper, to 1, ink; it can be set.
    """

    def __init__(self, model: Latent, x: Any = None):
        super().__init__()
        self.model = weights.in_float64(model)
        test = model.task.batch("test", batch_size=EXAMPLES, seed=0, dtype=np.float64)
        self._examples = self.model.pictures(test)
        self._picture = self._examples[0] if x is None else self._fitting("x", x)
        self._begin(repr(model), weights.name_of(self.model.params))

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        a = checks.finite(name, checks.array(name, value).astype(np.float64))
        if a.shape != self._examples.shape[1:]:
            raise ShapeError(f"{name} has shape {a.shape}; the network draws {self._examples.shape[1:]}")
        if not (0 <= a.min() and a.max() <= 1):
            raise ValueError(f"{name} holds {a.min():g} to {a.max():g}; 0 is paper and 1 is ink")
        return a.copy()

    @property
    def picture(self) -> np.ndarray:
        """What is copied."""
        return self._picture.copy()

    @picture.setter
    def picture(self, picture: Any) -> None:
        self._picture = self._fitting("picture", picture)
        self._tell()

    @property
    def copies(self) -> np.ndarray:
        """The copy after each step, (T, Y, X): how probable ink is."""
        return numeric.sigmoid(self.run()["canvas"][:, 0])

    def run(self) -> Run:
        """Every state and equation at every step, as `lstmcourse.unroll` gives them."""
        noise = {n: np.zeros((self.model.steps, 1, *shape)) for n, shape in self._noise().items()}
        given = {self.model.cell.inputs[0].name: self._picture[None]} | noise
        return unroll(self.model.cell, self.model.params, inputs=given, steps=self.model.steps)

    def _noise(self) -> dict[str, list[int]]:
        sizes, inputs = self.model.sizes, self.model.cell.inputs
        return {i.name: [sizes.get(s, s) for s in i.shape] for i in inputs if i.kind == "noise"}

    def _windows(self) -> list[str]:
        """Those through which it looks, and draws, as the cell calls them."""
        names = set(self.model.cell.names)
        return [k for k in ("read", "write") if {f"{k}.mu_x", f"{k}.mu_y"} <= names]

    # showing it

    def _title(self) -> str:
        return f"{self.model.task.name}: a copy in {self.model.steps} steps"

    def _html(self) -> str:
        cell = self.model.cell
        spec = {
            **self._told(),
            "name": f"Laboratory: {self._title()}",
            "title": self._title(),
            "weights": weights.as_text(self.model.params),
            "reads": cell.inputs[0].name,
            "noise": self._noise(),
            "windows": self._windows(),
            "steps": self.model.steps,
            "examples": [_plain(p) for p in self._examples],
        }
        code = page.programs({"run": (cell, self.model.sizes)})
        return page.fragment(page.DRAWING, self._still(), code, spec, self._key)

    def _still(self) -> Diagram:
        """The picture beside its last copy."""
        copy, parts = self.copies[-1], []
        for k, (name, a) in enumerate({"the picture": self._picture, "its copy": copy}.items()):
            left = k * (SIDE + TOP) + 8
            parts += [text_at(left, 18, name, "start"), *_ink(a, left, TOP)]
        apart = int(((copy > 0.5) != (self._picture > 0.5)).sum())
        desc = (
            f"A picture, and its copy after {self.model.steps} steps: {apart} of {copy.size} pixels differ."
        )
        return drawn(self._title(), desc, 2 * SIDE + TOP + 16, SIDE + TOP + 8, parts)

    def __repr__(self) -> str:
        return f"<DrawingLab of {self.model!r}>"

    # the page and Python

    def _told(self) -> dict[str, Any]:
        return {"picture": _plain(self._picture)}

    def _take(self, told: Mapping[str, Any]) -> None:
        self._picture = np.array(told["picture"], np.float64)


def _plain(picture: np.ndarray) -> list[list[float]]:
    """A picture as short text: whole numbers where they are."""
    return [[int(v) if v in (0, 1) else float(v) for v in row] for row in picture]


def _ink(a: np.ndarray, left: float, top: float) -> Iterator[str]:
    """A picture, a path for each shade."""
    side = SIDE / max(a.shape)
    yield (
        f'<rect x="{left}" y="{top}" width="{a.shape[1] * side:g}" height="{a.shape[0] * side:g}" '
        'fill="none" stroke="var(--lc-muted)"/>'
    )
    shades = np.rint(a * LEVELS)
    for shade in range(1, LEVELS + 1):
        at = np.argwhere(shades == shade)
        d = "".join(
            f"M{left + c * side:g} {top + r * side:g}h{side:g}v{side:g}h{-side:g}" for r, c in at.tolist()
        )
        if d:
            yield f'<path d="{d}" fill="var(--lc-ink)" opacity="{shade / LEVELS:g}"/>'
