"""Which colour of the palette a quantity has, wherever it is drawn: `HUES`, and `hue` for any name.

This module imports nothing of the package, so that whatever draws can take it from here.
"""

from __future__ import annotations

__all__ = ["HUES", "hue"]

HUES: dict[str, str] = {
    "f": "orange",  # forget gate
    "i": "purple",  # input gate
    "g": "green",  # candidate
    "o": "ochre",  # output gate
    "c": "blue",  # cell state
    "h": "ink",  # hidden state
    "x": "muted",  # input
    # gates of other cells, each in the hue of the gate whose place it takes
    "z": "orange",  # of a gated recurrent unit: keeps and writes
    "r": "ochre",  # of a gated recurrent unit: shows
    "d": "purple",  # of a depth-gated cell: lets in from below
    "below": "blue",  # the cell state of the layer below
}
"""Names of colours in `lstmcourse.plots.PALETTE`, by the names of a cell's equations."""


def hue(name: str) -> str:
    """Return the name of a quantity's colour; blue for a name that is not listed.

    Parameters
    ----------
    name : str
        As a cell calls it; a scope before it and a unit's number behind it do not count.

    Examples
    --------
    >>> hue("f"), hue("layer1.c"), hue("h[2]"), hue("n")
    ('orange', 'blue', 'ink', 'blue')
    """
    return HUES.get(name.rpartition(".")[2].partition("[")[0], "blue")
