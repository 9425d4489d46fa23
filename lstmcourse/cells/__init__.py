"""Every cell there is: equations only. `names` lists them, `get` finds one by name.

A cell is made when it is first asked for, so that importing the package costs little.
"""

from __future__ import annotations

import importlib

from ..cell import Cell
from ..errors import UnknownNameError, nearest
from .lstm import lstm, lstm_1997  # at once: these modules are called like cells
from .rnn import rnn, rnn_relu

_WHERE = {
    "rnn": ("rnn", "rnn_relu"),
    "lstm": ("lstm", "lstm_1997"),
    "peepholes": ("peephole", "peephole_full"),
    "coupled_gates": ("coupled",),
    "gated_units": ("gru", "gru_cho", "gru_reset_after", "mut1", "mut2", "mut3"),
    "studies": (
        *(
            "greff_v",
            "greff_nig",
            "greff_nfg",
            "greff_nog",
            "greff_niaf",
            "greff_noaf",
            "greff_cifg",
            "greff_np",
        ),
        *("greff_fgr", "lstm_f", "lstm_i", "lstm_o", "lstm_b"),
    ),
    "depth_gating": ("depth_gated",),
    "clockwork_rnn": ("clockwork",),
    "minimal": ("min_gru", "min_lstm"),
    "xlstm": ("slstm", "mlstm"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}


def names() -> list[str]:
    """Names of all cells.

    Examples
    --------
    >>> names()[:6]
    ['clockwork', 'coupled', 'depth_gated', 'greff_cifg', 'greff_fgr', 'greff_nfg']
    """
    return sorted(_MODULE)


def get(name: str) -> Cell:
    """A cell by name; an unknown one gets the nearest that exists.

    Examples
    --------
    >>> get("rnn")
    <cell rnn: states h; parameters W_h, U_h, b_h>
    """
    if name not in _MODULE:
        raise UnknownNameError(f"there is no cell {name!r}: {nearest(name, names())}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE[name]}"), name)


def __getattr__(name: str) -> Cell:
    if name.startswith("_"):
        raise AttributeError(name)
    if name not in _MODULE:
        raise AttributeError(f"there is no cell {name!r}: {nearest(name, names())}")
    globals()[name] = found = get(name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE})


__all__ = ["get", "lstm", "lstm_1997", "names", "rnn", "rnn_relu"]
__all__ += [name for name in _MODULE if name not in __all__]
