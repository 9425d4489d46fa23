"""A trained network that makes up sound, and a dial for each number of the message behind each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from .. import checks
from ..cell import Cell
from ..errors import ShapeError
from ..run.run import Run
from ..run.unroll import unroll
from ..training.latent import Latent
from ..views.diagram.picture import Diagram
from . import page, weights
from .shown import Shown
from .still import drawn

__all__ = ["ImaginingLab", "a_teller"]

FARTHEST = 3.0  # deviations from what is expected
WIDTH, HEIGHT = 640, 150  # of the still picture
FRAMES, SIZE = 60, 8  # at most: frames, and numbers of a message


def a_teller(name: str, model: Latent) -> Cell:
    """What makes up frames from messages; else what stands in the way."""
    cell = model._sampler()
    noises = [i for i in cell.inputs if i.kind == "noise"]
    if model.one_by_one or [i.shape for i in noises] != [("Z",), ("D",)] or "x" not in cell.names:
        raise ValueError(
            f"{name}={model!r}: the laboratory is for networks that draw a message, of size Z, and then a "
            f"frame, of size D; {cell.name} is given {', '.join(map(str, cell.inputs)) or 'nothing'}"
        )
    if cell.options.get("output") == "bernoulli":
        raise ValueError(f"{name}={model!r}: its frames are coins, 0 and 1; the laboratory shows waves")
    if model.sizes["Z"] > SIZE:
        raise ValueError(f"{name}: a message has {model.sizes['Z']} numbers; there are dials for {SIZE}")
    return cell


@final
class ImaginingLab(Shown):
    """A network that makes up frames, and the messages behind them; made by `lstmcourse.lab`.

    Its frames are without noise, each at its mean.

    Attributes
    ----------
    deviations : ndarray (T, Z)
        How far each number of each message lies from what is expected there, in standard deviations, from
        -3 to 3; it can be set.
    """

    def __init__(self, model: Latent, teller: Cell, x: Any = None):
        super().__init__()
        self.model, self.cell = weights.in_float64(model), teller
        self.params = teller.own(self.model.params)
        self._message, self._noise = (i.name for i in teller.inputs if i.kind == "noise")
        self.steps = min(FRAMES, len(model.task.batch(batch_size=1).x))
        self._deviations = self._begun() if x is None else self._fitting("x", x)
        self._begin(repr(model), weights.name_of(self.params))

    def _begun(self) -> np.ndarray:
        drawn = np.random.default_rng(0).standard_normal((self.steps, self.model.sizes["Z"]))
        return np.clip(drawn, -FARTHEST, FARTHEST).round(2)

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        a = checks.finite(name, checks.array(name, value, "iuf").astype(np.float64))
        shape = (self.steps, self.model.sizes["Z"])
        try:
            a = np.broadcast_to(a, shape).copy()
        except ValueError:
            raise ShapeError(f"{name} has shape {a.shape}; it needs {shape}, or what fills it") from None
        if np.abs(a).max() > FARTHEST:
            raise ValueError(
                f"{name} holds {a.min():g} to {a.max():g}; a dial goes from {-FARTHEST:g} to {FARTHEST:g}"
            )
        return a

    @property
    def deviations(self) -> np.ndarray:
        """How far each message lies from what is expected."""
        return self._deviations.copy()

    @deviations.setter
    def deviations(self, deviations: Any) -> None:
        self._deviations = self._fitting("deviations", deviations)
        self._tell()

    @property
    def sound(self) -> np.ndarray:
        """What the network makes of the messages, (T, D)."""
        return self.run()["x"][:, 0]

    def run(self) -> Run:
        """Every state and equation at every step, as `lstmcourse.unroll` gives them."""
        given = {
            self._message: self._deviations[:, None],
            self._noise: np.zeros((self.steps, 1, self.model.sizes["D"])),
        }
        return unroll(self.cell, self.params, inputs=given)

    # showing it

    def _title(self) -> str:
        return f"{self.model.task.name}, made up by {self.model.cell.name}"

    def _html(self) -> str:
        sizes = {name: self.model.sizes[name] for name in self.cell.size_names()}
        expects = ["mu_0", "sigma_0"] if {"mu_0", "sigma_0", "z"} <= set(self.cell.names) else None
        spec = {
            **self._told(),
            "name": f"Laboratory: {self._title()}",
            "title": self._title(),
            "weights": weights.as_text(self.params),
            "size": [self.steps, sizes["Z"], sizes["D"]],
            "message": self._message,
            "noise": self._noise,
            "expects": expects,
            "farthest": FARTHEST,
        }
        code = page.programs({"run": (self.cell, sizes)})
        return page.fragment(page.IMAGINING, self._still(), code, spec, self._key)

    def _still(self) -> Diagram:
        """The sound as a wave."""
        sound = self.sound.ravel()
        most = max(1.0, float(np.abs(sound).max()))
        points = " ".join(
            f"{8 + (WIDTH - 16) * (k + 0.5) / sound.size:.1f},{HEIGHT / 2 * (1 - 0.9 * v / most):.1f}"
            for k, v in enumerate(sound)
        )
        line = f'<polyline points="{points}" fill="none" stroke="var(--lc-blue)" stroke-width="2"/>'
        desc = f"A wave of {self.steps} frames, between {-most:.1f} and {most:.1f}, made up from messages."
        return drawn(self._title(), desc, WIDTH, HEIGHT, [line])

    def __repr__(self) -> str:
        return f"<ImaginingLab of {self.model!r}: {self.steps} frames>"

    # the page and Python

    def _told(self) -> dict[str, Any]:
        return {"deviations": self._deviations.tolist()}

    def _take(self, told: Mapping[str, Any]) -> None:
        self._deviations = np.array(told["deviations"], np.float64)
