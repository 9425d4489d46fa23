"""Pictures that come about step by step: `film` shows one step at a time, plays them, and stops anywhere.

The page needs no script: the steps are a row of radio buttons, which the arrow keys go through, and style
sheets say which picture is seen. So it works in a saved page as well.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import encodable, given, numbers, text
from ..errors import ShapeError

__all__ = ["Film", "film"]

SECONDS = 0.6
"""How long each step is seen when the film plays."""

STYLE = f"""
.lc-film input {{margin:0 0 0 .6em}}
.lc-film .lc-frames {{display:grid;margin-top:.5em}}
.lc-film .lc-frames svg {{grid-area:1/1;visibility:hidden;width:100%;height:auto}}
.lc-film image {{image-rendering:pixelated}}
@keyframes lc-film {{from{{visibility:visible}}to{{visibility:hidden}}}}
@keyframes lc-film-end {{from,to{{visibility:visible}}}}
.lc-film input[value=play]:checked ~ .lc-frames svg {{animation:lc-film {SECONDS}s step-end forwards}}
.lc-film input[value=play]:checked ~ .lc-frames svg:last-child {{animation-name:lc-film-end}}
@media (prefers-reduced-motion:reduce) {{
.lc-film input[value=play]:checked ~ .lc-frames svg {{animation:none}}
.lc-film input[value=play]:checked ~ .lc-frames svg:last-child {{visibility:visible}}
}}
"""


@dataclass(frozen=True)
class Film:
    """Pictures step by step, with their text alternative; displays itself."""

    alt: str
    steps: int
    html: str = field(repr=False)

    def __repr__(self) -> str:
        return encodable(f"Film of {self.steps} steps: {self.alt}")

    def _repr_html_(self) -> str:
        return self.html


@given(pictures=numbers(4, axes="(T, n, Y, X)"), windows=numbers(3, axes="(T, n, 4)"), alt=text)
def film(pictures: Any, *, alt: str, windows: Any = None) -> Film:
    """Return a row of pictures, step by step: one step is seen at a time, the last one first.

    Parameters
    ----------
    pictures : array, shape (T, n, Y, X)
        Values from 0, paper, to 1, ink.
    alt : str
        What the film shows, for those who do not see it.
    windows : array, shape (T, n, 4), optional
        Frames to be drawn over each picture: left, top, right, bottom, in pixels from its corner.

    Returns
    -------
    Film

    Raises
    ------
    ValueError, TypeError
        Shapes do not fit, a value lies outside 0 to 1, or the text alternative is empty.

    Examples
    --------
    >>> film(np.linspace(0, 1, 8).reshape(2, 1, 2, 2), alt="Two steps of one picture.")
    Film of 2 steps: Two steps of one picture.
    """
    T, n, Y, X = pictures.shape
    if not alt.strip():
        raise ValueError(f"alt is {alt!r}: say in a sentence what the film shows")
    if not pictures.size:
        raise ShapeError(
            f"pictures has shape {pictures.shape}; at least one step, picture and pixel is needed"
        )
    if not (pictures.min() >= 0 and pictures.max() <= 1):
        raise ValueError(
            f"pictures hold {pictures.min():g} to {pictures.max():g}; values from 0 to 1 are needed"
        )
    if windows is not None and windows.shape != (T, n, 4):
        raise ShapeError(f"windows has shape {windows.shape}; it needs (T, n, 4) = {(T, n, 4)}")
    frames = [_frame(pictures[t], None if windows is None else windows[t]) for t in range(T)]
    name = f"lc-film-{hashlib.blake2b(''.join(frames).encode(), digest_size=6).hexdigest()}"
    style, buttons = [STYLE], []
    for t, value in enumerate(("play", *range(1, T + 1))):
        checked = " checked" if value == T else ""
        buttons.append(
            f'<input type="radio" name="{name}" id="{name}-{value}" value="{value}"{checked}>'
            f'<label for="{name}-{value}">{value}</label>'
        )
        if t:
            style.append(f"#{name}-{t}:checked ~ .lc-frames svg:nth-child({t}){{visibility:visible}}")
            style.append(f"#{name} svg:nth-child({t}){{animation-delay:{SECONDS * (t - 1):g}s}}")
    label = html.escape(" ".join(alt.split()), quote=True)
    return Film(
        " ".join(alt.split()),
        T,
        f'<div class="lc-film" id="{name}"><style>{"".join(style)}</style>step: {"".join(buttons)}'
        f'<div class="lc-frames" role="img" aria-label="{label}">{"".join(frames)}</div></div>',
    )


def _frame(pictures: np.ndarray, windows: np.ndarray | None) -> str:
    """One step: a row of pictures (n, Y, X) as an SVG, a pixel apart."""
    from matplotlib.image import imsave

    n, Y, X = pictures.shape
    row = np.concatenate([np.pad(p, ((0, 0), (0, 1)), constant_values=0.2) for p in pictures], axis=1)
    buffer = io.BytesIO()
    imsave(buffer, row, cmap="gray_r", vmin=0, vmax=1, format="png", metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    shapes = []
    for k in range(n if windows is not None else 0):
        left, top, right, bottom = np.clip(windows[k], 0, [X, Y, X, Y])
        shapes.append(
            f'<rect x="{left + k * (X + 1):.2f}" y="{top:.2f}" width="{right - left:.2f}" '
            f'height="{bottom - top:.2f}" fill="none" stroke="#b8401c" stroke-width=".6"/>'
        )
    return (
        f'<svg viewBox="0 0 {n * (X + 1)} {Y}"><image width="{n * (X + 1)}" height="{Y}" '
        f'href="data:image/png;base64,{data}"/>{"".join(shapes)}</svg>'
    )
