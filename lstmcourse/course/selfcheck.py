"""`check_installation`: is all there that the course needs, and if not, what to do.

The report is the same on every machine on which all is well, so a notebook can hold it.
"""

from __future__ import annotations

import html
import importlib
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Check", "Report", "check_installation"]

AGAIN = (
    "In the folder of the course run `make lab` again, or `python -m pip install -e .` in the environment of "
    "this notebook."
)


@dataclass(frozen=True)
class Check:
    """One thing looked at: what it is for, whether it is well, and what to do if not."""

    name: str
    purpose: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


@dataclass(frozen=True)
class Report:
    """All checks; displays itself as a table."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is well."""
        return all(c.ok for c in self.checks)

    @property
    def summary(self) -> str:
        """One sentence."""
        bad = sum(not c.ok for c in self.checks)
        return "Everything is in place." if not bad else f"{bad} of {len(self.checks)} checks need attention."

    def __str__(self) -> str:
        lines = [f"{'ok ' if c.ok else 'NO '} {c.name}: {c.problem or c.purpose}" for c in self.checks]
        return "\n".join([*lines, self.summary])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td>{'✓ ok' if c.ok else '✗ no'}</td><td {left}>{html.escape(c.name)}</td>"
            f"<td {left}>{html.escape(c.problem or c.purpose)}</td></tr>"
            for c in self.checks
        )
        return f"<table>{rows}</table><p><strong>{self.summary}</strong></p>"


def check_installation() -> Report:
    """Look at everything the course needs, and say what to do about what fails.

    Examples
    --------
    >>> check_installation().ok
    True
    """
    return Report(tuple(_look(name, purpose, test) for name, purpose, test in _CHECKS))


def _look(name: str, purpose: str, test: Callable[[], str]) -> Check:
    try:
        return Check(name, purpose, test())
    except Exception as error:  # a check must report, whatever goes wrong in it
        return Check(name, purpose, f"{type(error).__name__}: {error}. {AGAIN}")


def _package(*names: str) -> Callable[[], str]:
    def test() -> str:
        for name in names:
            importlib.import_module(name)
        return ""

    return test


def _numpy() -> str:
    import numpy as np

    if int(np.__version__.split(".")[0]) < 2:
        return f"NumPy {np.__version__} is too old, 2.0 or later is needed. {AGAIN}"
    return ""


def _engine() -> str:
    import numpy as np

    from .. import cells
    from ..run.unroll import unroll

    params = cells.lstm.init(input_size=1, hidden_size=2, rng=0, dtype=np.float64)
    x = np.ones((3, 1, 1))
    run, step = unroll(cells.lstm, params, x), None
    for x_t in x:
        step = cells.lstm.step(params, x_t, step)
    if not np.allclose(run["h"][-1], step["h"], rtol=1e-12):
        return (
            "a whole sequence and single steps disagree. Restart the kernel; if it stays, please report it."
        )
    return ""


def _text() -> str:
    from ..tasks import Text

    Text()
    return ""


def _widgets() -> str:
    from ..cells import rnn
    from ..widgets import state_panel

    state_panel(rnn)
    return ""


_CHECKS = (
    ("NumPy", "the arrays that everything is made of", _numpy),
    ("lstmcourse", "cells run, and agree with their equations step by step", _engine),
    ("matplotlib", "figures", _package("matplotlib.figure")),
    ("ipywidgets and anywidget", "panels with sliders", _widgets),
    ("tqdm", "the progress bar while a model learns", _package("tqdm.auto")),
    ("safetensors", "trained models on disk", _package("safetensors.numpy")),
    ("Python's own sources", "the text that the first model reads", _text),
)
