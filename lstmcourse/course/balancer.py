"""A cart with a pole in the page, driven by a trained network: to be watched, and to be pushed."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from ..cell import cell, state
from ..engine.layers import affine, concat, param
from ..engine.ops import cos, dot, sin, tanh
from ..programs import javascript
from ..views.style import css

__all__ = ["Balancer", "balancer_of", "loop"]

STYLE = """
.lc-cart{font:15px/1.45 system-ui,'Segoe UI',Helvetica,Arial,sans-serif;color:var(--lc-ink);
background:var(--lc-paper);max-width:720px;padding:10px 12px;border-radius:8px;box-sizing:border-box}
.lc-cart svg{width:100%;height:auto;display:block}
.lc-cart text{fill:var(--lc-ink);font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
.lc-cart .lc-row{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;min-height:2em}
.lc-cart button{font:inherit;color:inherit;background:var(--lc-paper);border:1px solid var(--lc-muted);
border-radius:5px;min-height:32px;padding:1px 12px;cursor:pointer;touch-action:manipulation}
.lc-cart button:hover{border-color:var(--lc-blue)}
.lc-cart :focus-visible{outline:3px solid var(--lc-blue);outline-offset:1px}
.lc-cart .lc-count{font-variant-numeric:tabular-nums}
.lc-cart .lc-said{font-weight:600}
"""


@cell
def loop(push, position=state(1), speed=state(1), angle=state(1), spin=state(1), h=state("H")):
    r"""A cart with a pole and the network that drives it, in one loop: the force moves what is seen next.

    The network is a plain one that sees the positions alone; `push` is a force from outside, in newtons.
    The cart is that of `lstmcourse.tasks.CartPole`.
    """
    seen = concat(position / 2.4, angle / (np.pi / 15))
    h = tanh(affine("h", h, seen))
    force = 10.0 * tanh(dot(h, param("v", "H", 1)))
    thrust = (force + push + 0.05 * spin * spin * sin(angle)) / 1.1
    turn = (9.8 * sin(angle) - cos(angle) * thrust) / (0.5 * (4 / 3 - 0.1 / 1.1 * cos(angle) * cos(angle)))
    gain = thrust - 0.05 * turn * cos(angle) / 1.1
    position, speed = position + 0.02 * speed, speed + 0.02 * gain
    angle, spin = angle + 0.02 * spin, spin + 0.02 * turn
    return position, speed, angle, spin, h, force


@dataclass(frozen=True)
class Balancer:
    """A cart in the page; displays itself. Where no script may run it is a still picture."""

    alt: str
    html: str = field(repr=False)

    def __repr__(self) -> str:
        return f"Balancer: {self.alt}"

    def _repr_html_(self) -> str:
        return self.html


def balancer_of(params: dict[str, np.ndarray], probe: np.ndarray) -> Balancer:
    """Return the page of a driver: its weights as `loop` names them, and what reads the spin from its state.

    Parameters
    ----------
    params : dict
        W_h (2, H), U_h (H, H), b_h (H,), v (H, 1).
    probe : ndarray (H + 1,)
        The weights of a linear reading of the angular speed from h, and a constant.
    """
    units = len(params["b_h"])
    arrays = {k: {"shape": list(p.shape), "data": p.ravel().tolist()} for k, p in params.items()}
    spec = {"params": arrays, "probe": np.round(probe, 4).tolist(), "units": units}
    spec |= {"limits": [2.4, np.pi / 15], "fastest": 1.5}
    spec["key"] = hashlib.blake2b(json.dumps(spec).encode(), digest_size=6).hexdigest()
    text = re.sub(r"^export ", "", javascript.module(loop, {"D": 1, "H": units}, gradients=False), flags=re.M)
    parts = (
        f"const cell = (() => {{\n{text}\nreturn {{ run }};\n}})();",
        f"const spec = {json.dumps(spec, separators=(',', ':'), allow_nan=False)};\n"
        "for (const p of Object.values(spec.params)) p.data = Float64Array.from(p.data);",
        _script(),
    )
    script = "\n\n".join(parts).replace("</", "<\\/").replace("<!--", "<\\!--")
    alt = f"A pole on a cart that a network of {units} units drives, which sees positions alone."
    page = (
        f'<div class="lc-cart" data-key="{spec["key"]}" role="group" aria-label="{escape(alt)}">'
        f"<style>{css('.lc-cart')}{STYLE}</style>{_stage(alt, units)}</div>"
        f'<script type="module">\n{script}\n</script>'
    )
    return Balancer(alt, page)


@functools.cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8").strip()


def _stage(alt: str, units: int) -> str:
    """The cart upright in the middle of its track, and below it the state and two speeds as bars."""
    row = 18
    gauges = [("h", f"unit {k}", f"h{k}", "ink") for k in range(units)]
    speeds = [("turning", "true", "true", "blue"), ("", "read from the state", "read", "orange")]
    shapes = []
    for column, several in ((150, gauges), (520, speeds)):
        for k, (_, label, name, colour) in enumerate(several):
            y = 262 + row * k
            shapes.append(
                f'<text x="{column - 78}" y="{y + 11}" text-anchor="end">{label}</text>'
                f'<g transform="translate({column} {y})"><rect x="-71" width="142" height="13" fill="none" '
                f'stroke="var(--lc-rule)"/><path d="M0 0V13" stroke="var(--lc-muted)"/>'
                f'<rect data-part="{name}" width="0" height="13" fill="var(--lc-{colour})"/></g>'
            )
    height = 262 + row * max(units, 3)
    return (
        f'<svg viewBox="0 0 640 {height}" role="img" aria-label="{escape(alt)}">'
        '<path d="M56 232H584M56 222V242M584 222V242M320 232V238" stroke="var(--lc-muted)" stroke-width="2" '
        'fill="none"/><g transform="translate(320 0)"><g data-part="cart">'
        '<g data-part="pushed" visibility="hidden"><path d="M-110 206H-48M-58 198L-46 206L-58 214" '
        'stroke="var(--lc-orange)" stroke-width="4" fill="none"/></g>'
        '<rect x="-40" y="192" width="80" height="28" rx="4" fill="var(--lc-rule)" stroke="var(--lc-ink)" '
        'stroke-width="2"/><circle cx="-24" cy="224" r="8" fill="var(--lc-ink)"/>'
        '<circle cx="24" cy="224" r="8" fill="var(--lc-ink)"/><g transform="translate(0 192)">'
        '<g data-part="pole"><path d="M0 0V-110" stroke="var(--lc-blue)" stroke-width="9" '
        'stroke-linecap="round"/></g><circle r="5" fill="var(--lc-ink)"/></g></g></g>'
        f'<text x="520" y="256" text-anchor="middle">turning (mean of four steps)</text>'
        f"{''.join(shapes)}</svg>"
    )
