"""Which cells fit which modules of other libraries, and in which order those have their gates: two tables."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .. import cells, checks
from ..cell import Cell
from ..compose import bidirectional, stack
from ..engine.meaning import Meaning

__all__ = ["KERAS", "PYTORCH", "Gate", "Row", "Structure", "extent", "structure"]


@dataclass(frozen=True)
class Gate:
    """One block of H units: the names of its matrices and bias.

    `second` is a bias of h U alone, where the equations have one; elsewhere two biases add up to `b`.
    `negated` is for a gate that the other library defines as one minus ours: 1 - σ(a) = σ(-a).
    """

    W: str
    U: str
    b: str
    second: str | None = None
    negated: bool = False


def _gates(letters: str, *, negated: str = "", second: str = "") -> tuple[Gate, ...]:
    return tuple(
        Gate(f"W_{k}", f"U_{k}", f"b_{k}", f"b_h{k}" if k in second else None, k in negated) for k in letters
    )


@dataclass(frozen=True)
class Row:
    """A cell, the module that has its equations, and its gates in that module's order."""

    cell: Cell
    module: str
    gates: tuple[Gate, ...]

    def code(self) -> str:
        """How the cell is written."""
        name, options = self.cell.name, self.cell.options
        usual = cells.get(name).options if name in cells.names() else options
        chosen = ", ".join(f"{k}={v!r}" for k, v in options.items() if v != usual[k])
        return f"lc.cells.{name}" + (f".with_options({chosen})" if chosen else "")


_GRU_AFTER = cells.gru.with_options(reset="after")  # its z, like gru's, is one minus the libraries' z
PYTORCH = (
    Row(cells.rnn, "nn.RNN", _gates("h")),
    Row(cells.rnn_relu, "nn.RNN(nonlinearity='relu')", _gates("h")),
    Row(cells.lstm, "nn.LSTM", _gates("ifgo")),
    Row(cells.gru_reset_after, "nn.GRU", _gates("rzg", second="g")),
    Row(_GRU_AFTER, "nn.GRU", _gates("rzg", second="g", negated="z")),
)
KERAS = (
    Row(cells.rnn, "keras.layers.SimpleRNN", _gates("h")),
    Row(cells.rnn_relu, "keras.layers.SimpleRNN(activation='relu')", _gates("h")),
    Row(cells.lstm, "keras.layers.LSTM", _gates("ifgo")),
    Row(cells.gru_reset_after, "keras.layers.GRU", _gates("zrg", second="g")),
    Row(_GRU_AFTER, "keras.layers.GRU", _gates("zrg", second="g", negated="z")),
    Row(cells.gru_cho, "keras.layers.GRU(reset_after=False)", _gates("zrg")),
    Row(cells.gru, "keras.layers.GRU(reset_after=False)", _gates("zrg", negated="z")),
)


# What a cell is made of.


def extent(layers: int, directions: int) -> str:
    """How large a structure is, in words."""
    return f"{layers} layer{'s' * (layers != 1)} in {('one direction', 'both directions')[directions - 1]}"


@dataclass(frozen=True)
class Structure:
    """A cell of the table, how many layers there are of it, and whether each runs in both directions."""

    row: Row
    layers: int
    directions: int
    stacked: bool

    def parts(self) -> Iterator[tuple[str, int, bool]]:
        """Prefix of our names, number of the layer, and whether it runs backwards, of each copy."""
        for k in range(self.layers):
            for reverse in (False, True)[: self.directions]:
                way = ("bwd." if reverse else "fwd.") if self.directions == 2 else ""
                yield (f"{k}." if self.stacked else "") + way, k, reverse

    def cell(self, dropout: bool = False) -> Cell:
        """The cell that has this structure."""
        layer = bidirectional(self.row.cell) if self.directions == 2 else self.row.cell
        return stack([layer] * self.layers, dropout=dropout) if self.stacked else layer

    def code(self) -> str:
        """How it is written."""
        layer = self.row.code()
        layer = f"lc.bidirectional({layer})" if self.directions == 2 else layer
        return f"lc.stack([{layer}] * {self.layers})" if self.stacked else layer

    def __str__(self) -> str:
        return f"{self.row.module} with {extent(self.layers, self.directions)}"


def _computes(cell: Cell, meaning: Meaning) -> tuple:
    """What a cell computes, but for what it emits beside its output; how parameters start does not count."""
    meaning.read(cell.graph)
    return meaning.states(cell.graph), meaning.full[cell.graph.names[cell.output]]


def structure(cell: Cell, table: tuple[Row, ...]) -> Structure:
    """What the cell is made of, if the table has it; ValueError with what fits otherwise."""
    checks.instance("cell", cell, Cell, "lc.cells.lstm")
    found = _find(cell, table)
    if found is None:
        raise ValueError(f"cell {cell.name!r}{_why_not(cell, table)}; {_what_fits(table)}")
    return found


def _prefixes(cell: Cell) -> set[str]:
    return {p.name.rpartition(".")[0] for p in cell.graph.params}


@functools.lru_cache(maxsize=64)  # a cell is not changed, and it is asked for again and again
def _find(cell: Cell, table: tuple[Row, ...]) -> Structure | None:
    names = {p.name for p in cell.graph.params}
    prefixes = _prefixes(cell)
    numbered = {p.partition(".")[0] for p in prefixes if p.partition(".")[0].isdecimal()}
    directions = 2 if any(p.rpartition(".")[2] == "bwd" for p in prefixes) else 1
    dropout = any(i.kind == "noise" for i in cell.inputs)
    for row in table:
        s = Structure(row, max(1, len(numbered)), directions, stacked=bool(numbered))
        if {prefix + p.name for prefix, _, _ in s.parts() for p in row.cell.graph.params} != names:
            continue
        like = s.cell(dropout=dropout and s.stacked)
        meaning = Meaning()
        if _computes(cell, meaning) == _computes(like, meaning):
            return s
    return None


def _why_not(cell: Cell, table: tuple[Row, ...]) -> str:
    if cell.held:
        held = ", ".join(f"{k} at {v:g}" for k, v in cell.held.items())
        return f" holds {held}, which no module does; its weights are those of the cell without override"
    if any(re.match(r"(fwd|bwd)\.\d+", p) for p in _prefixes(cell)):
        return " joins its two directions above all layers, where modules join them after each layer"
    if table is not KERAS and (elsewhere := _find(cell, KERAS)):
        return (
            " multiplies h by r before the product with U_g, where nn.GRU multiplies the product: another "
            "function of the same weights, unless U_g is diagonal or r the same for all units. Train "
            f"a cell with reset='after' for nn.GRU; these weights fit {elsewhere.row.module}, by to_keras"
        )
    if cell.name in [row.cell.name for row in table]:
        return f" has the name of lc.cells.{cell.name}, and other equations"
    return " is none of those that have a module of the same equations"


def _what_fits(table: tuple[Row, ...]) -> str:
    rows = ", ".join(f"{row.code()} ({row.module})" for row in table)
    return (
        f"what fits: {rows}; lc.stack([a, a, ...]) of one of them; lc.bidirectional(a); "
        "lc.stack([lc.bidirectional(a), ...])"
    )
