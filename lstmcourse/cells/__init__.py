"""Every cell there is: equations only. `names` lists them, `get` finds one by name."""

from __future__ import annotations

from ..cell import Cell
from ..errors import UnknownNameError, nearest
from .lstm import lstm, lstm_1997
from .rnn import rnn, rnn_relu

__all__ = ["get", "lstm", "lstm_1997", "names", "rnn", "rnn_relu"]


def names() -> list[str]:
    """Names of all cells.

    Examples
    --------
    >>> names()
    ['lstm', 'lstm_1997', 'rnn', 'rnn_relu']
    """
    return sorted(k for k, v in globals().items() if isinstance(v, Cell))


def get(name: str) -> Cell:
    """A cell by name; an unknown one gets the nearest that exists.

    Examples
    --------
    >>> get("rnn")
    <cell rnn: states h; parameters W_h, U_h, b_h>
    """
    if name not in names():
        raise UnknownNameError(f"there is no cell {name!r}: {nearest(name, names())}")
    return globals()[name]


def __getattr__(name: str):
    if name.startswith("_"):
        raise AttributeError(name)
    raise AttributeError(f"there is no cell {name!r}: {nearest(name, names())}")
