"""Every cell there is: equations only. `names` lists them, `get` finds one by name.

A cell is made when it is first asked for, so that importing the package costs little.
"""

from __future__ import annotations

import copyreg
import dataclasses
import importlib
import operator
import pickle
import sys
from collections.abc import Mapping
from typing import Any

from .. import compose
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
    "attention": (
        *("additive_attention", "attend_and_tell"),
        *("self_attention", "self_attention_at_once"),
    ),
    "grids": ("grid",),
    "drawing": ("draw", "draw_sample"),
    "variational": ("vrnn", "vrnn_sample", "storn", "storn_sample"),
    "densities": ("density_rnn", "density_rnn_sample"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}


def names() -> list[str]:
    """Names of all cells.

    Examples
    --------
    >>> names()[:4]
    ['additive_attention', 'attend_and_tell', 'clockwork', 'coupled']
    """
    return sorted(_MODULE)


def get(name: str) -> Cell:
    """A cell by name; an unknown one gets the nearest that exists.

    Examples
    --------
    >>> get("rnn")
    <cell rnn: states h; parameters W_h, U_h, b_h>
    """
    if not isinstance(name, str) or name not in _MODULE:
        raise UnknownNameError(f"name={name!r}: there is no cell {name!r}: {nearest(name, names())}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE[name]}"), name)


# Pickles name `restored`, so it stays here, with what it takes.

_CHANGED = ("name", "options", "initial", "letters", "held", "output", "doc", "chosen")


def description(cell: Cell) -> tuple[Any, dict[str, Any]]:
    """What `restored` makes a cell of: whence it is, and which of its fields are others there.

    Raises
    ------
    pickle.PicklingError
        It is a cell of one's own that no module has at its top level.
    """
    if cell.parts:
        whence: Any = cell.parts
    else:
        whence = _library_name(cell) or _place(cell)
    base, changes = restored(whence, {}), {}
    if base is not cell:
        fields = {k: getattr(cell, k) for k in _CHANGED}
        changes = {k: v for k, v in fields.items() if v != getattr(base, k)}
    return whence, changes


def restored(whence: Any, changes: Mapping[str, Any]) -> Cell:
    """The cell that a pickle describes.

    Parameters
    ----------
    whence : str or tuple
        A name in this package; a module and a name in it; or "stack" or "bidirectional", cells, and options.
    changes : mapping
        Fields that are others.

    Examples
    --------
    >>> restored("lstm", {}) is lstm
    True
    """
    changes = dict(changes)
    if isinstance(whence, str):
        base = get(whence)
    elif len(whence) == 3:
        how, cells, options = whence
        makers = {"stack": compose.stack, "bidirectional": lambda cells: compose.bidirectional(*cells)}
        base = makers[how](cells, **options)
    else:
        module, name = whence
        try:
            base = operator.attrgetter(name)(importlib.import_module(module))
        except (ImportError, AttributeError) as error:
            raise UnknownNameError(
                f"a pickle names the cell {name!r} of the module {module!r}, which is not to be had here "
                f"({error}). {_WHERE_TO}"
            ) from error
    if base.maker and "options" in changes:
        base = base.with_options(**changes.pop("options"))
    return dataclasses.replace(base, **changes) if changes else base


# A pickle holds where a cell is to be had, and in what it differs: names, never code.
copyreg.pickle(Cell, lambda cell: (restored, description(cell)))

_WHERE_TO = (
    "A pickle holds a cell's name, not its equations: define it at the top level of a module (a file) that "
    "both processes import. Parameters alone are plain arrays: checkpoints.save stores them"
)


def _same(a: object, b: Cell) -> bool:
    """Whether two cells are of one family: one function, or one maker of functions."""
    return isinstance(a, Cell) and (a.maker is b.maker if b.maker else a.function is b.function)


def _library_name(cell: Cell) -> str | None:
    """The name here of a cell of the same family: its own, if it has that."""
    module = cell.function.__module__.removeprefix(f"{__name__}.")
    family = [name for name in _WHERE.get(module, ()) if _same(get(name), cell)]
    return cell.name if cell.name in family else next(iter(family), None)


def _place(cell: Cell) -> tuple[str, str]:
    """The module and the name under which a cell of one's own can be imported."""
    function = cell.function
    found = vars(sys.modules.get(function.__module__, object))
    names = [name for name, value in found.items() if _same(value, cell)]
    if not names:
        raise pickle.PicklingError(
            f"the cell {cell.name!r} cannot be pickled: {function.__module__} has no such cell at its top "
            f"level, only {function.__qualname__}. {_WHERE_TO}"
        )
    return function.__module__, cell.name if cell.name in names else names[0]


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
