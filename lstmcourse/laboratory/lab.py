"""`lab`: a cell's diagram, alive in a page. A `Lab` is what Python reads, sets and runs of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .. import checks
from ..cell import Cell
from ..engine.graph import Node
from ..run.run import Run
from ..run.unroll import unroll
from ..training.latent import Latent
from ..training.model import Model
from ..training.seq2seq import Seq2Seq
from ..training.xray import XRay
from ..views.diagram.layout import layout
from ..views.diagram.plan import MOST
from ..views.diagram.read import scopes
from ..views.names import named as set_name
from . import page, weights
from .attention import AttentionLab, a_translator
from .base import LONGEST, Laboratory, a_cell
from .challenges import CHALLENGES, STEEPEST, Challenge, Verdict, worst
from .drawing import DrawingLab
from .graphs import before, named
from .imagining import ImaginingLab, a_teller
from .picture import live
from .sentence import SentenceLab, a_reader
from .words import label
from .xray import XRayLab, of_cells, of_xray

if TYPE_CHECKING:
    from ..views.diagram.plan import Layout

__all__ = ["Lab", "lab"]

UNITS, STEPS = 3, 20
SEED, LOUD = 31, 2.0  # as cells draw weights, but those of the input are twice as large: one sees more
START = {2: 1.0, 9: -1.0, 14: 0.5, 15: 0.5}
"""The input as a lab begins: two pulses and a small step; 0 elsewhere."""

HINT = (
    "Point at a part of the picture, or move to it with Tab and the arrows: here stands its equation, with "
    "the numbers in it. Drag the numbers; draw the input below."
)


def lab(
    cell: Cell | Model | Seq2Seq | Latent | XRay | Sequence[Cell],
    *,
    hidden_size: int = 1,
    params: Mapping[str, np.ndarray] | None = None,
    x: Any = None,
    units: Any = None,
) -> Lab | SentenceLab | AttentionLab | DrawingLab | ImaginingLab | XRayLab:
    """Open a laboratory of a cell, of several, or of a model that reads words, translates, draws or makes up
    sound.

    A cell's is its own diagram, with a number on every line, and all of them can be moved. A model's reads a
    sentence that one types: what its units do at each word and what it expects next, before and after gates
    and states are held. A translator's translates a sentence that one types, and shows where it looks. A
    network that draws copies, step by step, a picture that one draws; one that makes up sound has a dial for
    each number of the message behind each frame. Several cells unroll side by side, and the gradient comes
    back through them, along the belt and through matrices, as one drags the forget bias; an x-ray
    (`lstmcourse.xray`) shows its run in the same way.

    Parameters
    ----------
    cell : Cell, sequence of Cell, XRay, Model, Seq2Seq or Latent
        A cell of a sequence, states and a clock; stacks too. Up to four such cells. An x-ray of a run of such
        a cell, of at most 32 units and 30 steps. Or a model of such a cell, for symbols, with at most 200,000
        weights; or a translator with attention; or a generative model, such as DRAW or a VRNN.
    hidden_size : int
        Of a cell: units, 1 to 3; of several, 1 to 32.
    params : mapping of str to ndarray, optional
        Of a cell: where the weights start, as ``cell.init(1, hidden_size)`` gives them; drawn if not given.
        Of several: those that start otherwise, by cell and name, ``{"lstm.b_f": 2.0}``.
    x : array (T,), (Y, X) or (T, Z), or str, optional
        Where the input starts: numbers for a cell, two pulses if not given; text or symbols for a model, a
        sentence of its task if not given. At most 100; of a translator, and of several cells, 30. A picture
        for one that draws; for one that makes up sound, how many standard deviations each number of each
        message lies from what is expected, from -3 to 3, drawn if not given.
    units : sequence of int, optional
        Of a model: the units in view as it opens; if not given, those that tell most of what is read.

    Returns
    -------
    Lab, SentenceLab, AttentionLab, DrawingLab, ImaginingLab or XRayLab
        Displays itself. It lives in the page, without Python too; where Python answers, the two agree.

    Raises
    ------
    ValueError
        The cell or the model has what a laboratory cannot show, or there are too many units, steps,
        operations or weights.
    UnknownNameError
        A word is not in the model's vocabulary.
    NotFiniteError
        A number is NaN or infinite.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> bench = lc.lab(lc.cells.lstm)
    >>> bench
    <Lab of lstm: 1 unit, 20 steps>
    >>> bench.values["b_f"] = 6.0
    >>> bool(bench.run()["f"].min() > 0.9)
    True
    >>> bench.held = {"f": [np.nan] * 10 + [0.0] * 10}
    >>> bench.run()["f"][8:12, 0, 0].round(2).tolist()[2:]
    [0.0, 0.0]
    >>> reading = lc.lab(lc.reader.load(), x="the queen near the boys")
    >>> reading
    <SentenceLab of Model(lstm: 62 symbols -> 32 -> 62 for agreement, ...): 5 symbols>
    >>> is_, are = reading.predict()[-1, 0, reading.model.task.verb_words]
    >>> bool(is_ > 0.5 > are)
    True
    >>> looking = lc.lab(lc.attentive.translator(), x="the black cat sees a red car")
    >>> looking.translation
    'le chat noir voit une voiture rouge'
    >>> looking.shares.argmax(axis=1).tolist()
    [0, 2, 1, 3, 4, 6, 5]
    >>> drawing = lc.lab(lc.generative.copyist())
    >>> drawing.copies.shape
    (8, 16, 16)
    >>> three = lc.lab([lc.cells.rnn, lc.cells.lstm, lc.cells.gru])
    >>> three.forget_bias = 5.0
    >>> seen = three.xrays()["lstm"]
    >>> [round(part["c", "c"][0].item(), 2) for part in (seen.total, seen.belt, seen.through)]
    [2.83, 0.94, 1.88]
    """
    if isinstance(cell, Model | Seq2Seq | Latent | XRay):
        for name, given in {"hidden_size": hidden_size != 1, "params": params is not None}.items():
            if given:
                what = "an x-ray" if isinstance(cell, XRay) else "a model"
                raise ValueError(f"{name}: {what} has its own; that is for a cell")
    if isinstance(cell, Seq2Seq | Latent) and units is not None:
        raise ValueError("units: this laboratory shows none; leave it out")
    if isinstance(cell, Seq2Seq):
        return AttentionLab(a_translator("cell", cell), x)
    if isinstance(cell, Latent):
        weights.check("cell", cell)
        return DrawingLab(cell, x) if cell.draws else ImaginingLab(cell, a_teller("cell", cell), x)
    if isinstance(cell, Model):
        return SentenceLab(a_reader("cell", cell), x, units)
    if units is not None:
        raise ValueError("units: that is for a model; a cell says how many with hidden_size")
    if isinstance(cell, XRay):
        if x is not None:
            raise ValueError("x: an x-ray has its own; that is for a cell")
        return of_xray("cell", cell)
    if isinstance(cell, list | tuple):
        return of_cells("cell", cell, hidden_size, params, x)
    cell, hidden_size = a_cell("cell", cell), checks.whole("hidden_size", hidden_size, 1, UNITS)
    plan = layout(cell, scopes(cell.graph))
    if plan is None:
        raise ValueError(
            f"cell={cell.name}: one step has more than {MOST} operations, which are more than a picture "
            "holds; show a part of it"
        )
    made = Lab(cell, hidden_size, plan)
    made.values = {} if params is None else checks.mapping("params", params, "of arrays by name")
    if x is not None:
        made.values = {made._input("x"): _sequence(x)}
    made._begin(cell.name, str(cell.graph), hidden_size)
    return made


@final
class Lab(Laboratory):
    """A cell, and the numbers that it is run with; made by `lab`."""

    def __init__(self, cell: Cell, hidden_size: int, plan: Layout | None):
        self.hidden_size, self._plan = hidden_size, plan
        loud = {p.name for p in cell.graph.params if _of_input(p)}
        params = {
            name: np.round(p * (LOUD if name in loud else 1.0), 2) + 0.0
            for name, p in cell.init(1, hidden_size, rng=SEED, dtype=np.float64).items()
        }
        super().__init__(cell, {"D": 1, "H": hidden_size}, params, STEPS)
        pulses = np.array([START.get(t, 0.0) for t in range(STEPS)])
        for name in self._inputs:
            shape = (STEPS, 1, *self._tail[name])
            first = name == self._inputs[0]
            self._values[name] = np.broadcast_to(
                pulses.reshape(-1, *[1] * (len(shape) - 1)) * first, shape
            ).copy()

    def _input(self, name: str) -> str:
        """The sequence that the cell reads."""
        if not self._inputs:
            raise ValueError(f"{name}: {self.cell.name} has no input")
        return self._inputs[0]

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        if name in self._inputs:
            a = checks.array(f"values[{name!r}]", value, "iuf").astype(np.float64)
            a = checks.finite(f"values[{name!r}]", a)
            steps = len(a) if a.ndim else self.steps
            if not 1 <= steps <= LONGEST:
                raise ValueError(f"values[{name!r}] has {steps} steps; a laboratory has 1 to {LONGEST}")
            return self._spread(f"values[{name!r}]", a, (steps, 1, *self._tail[name]), timed=True)
        return super()._fitting(name, value)

    # challenges

    @property
    def challenges(self) -> dict[str, Verdict]:
        """How each challenge stands, by name: its worst error with these weights, and what passes."""
        found = {}
        for name, c in CHALLENGES.items():
            B = c.x.shape[1]
            inputs = {i: np.zeros((*c.x.shape, *self._tail[i])) for i in self._inputs}
            for i in self._inputs[:1]:
                inputs[i] += c.x.reshape(*c.x.shape, *[1] * len(self._tail[i]))
            run = unroll(
                self.cell,
                {name: self._values[name] for name in self._params},
                inputs=inputs,
                sizes=self.sizes,
                state={s: np.repeat(self._values[s], B, axis=0) for s in self._starts},
                steps=None if inputs else len(c.x),
                batch_size=None if inputs else B,
            )
            error = worst({s: run[s] for s in self.cell.states}, c.wanted)
            found[name] = Verdict(c.title, error, c.passes)
        return found

    @property
    def solved(self) -> tuple[str, ...]:
        """The names of the challenges that are solved, by the weights and starts as they are.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> bench = lc.lab(lc.cells.lstm)
        >>> bench.solved
        ()
        >>> bench.values |= {"U_i": 0, "U_f": 0, "U_g": 0, "W_f": 0, "b_f": 9}
        >>> bench.values |= {"W_g": 1, "b_g": 0, "b_i": 5}
        >>> bench.solved
        ('hold', 'count')
        """
        return tuple(name for name, verdict in self.challenges.items() if verdict.solved)

    # showing it

    def _html(self) -> str:
        watched = self._run(named(self.cell), {})
        drawn = live(
            self.cell,
            self._plan,
            lambda key: self._number(watched, key, 0),
            set(self._holdable) | set(self._inputs) | {before(s) for s in self.cell.states},
        )
        code = page.arithmetic(self.cell, self.sizes)
        return page.fragment(page.CELL, drawn, code, self._spec(), self._key)

    def _number(self, run: Run, key: str, step: int) -> float:
        """The first unit's element of a value at a step."""
        if key in self._inputs:
            return float(self._values[key][step].flat[0])
        clock = [n.name for n in self.cell.graph.leaves("clock")]
        return float(step) if key in clock else float(np.asarray(run[key])[step].flat[0])

    def _spec(self) -> dict[str, Any]:
        """What the page's script is told beside the arithmetic."""
        units = f"{self.hidden_size} unit{'s' * (self.hidden_size > 1)}"
        return {
            "name": f"Laboratory: {self.cell.name}, {units}",
            "title": f"{self.cell.name}, {units}",
            "hint": HINT,
            "open": self.hidden_size == 1 and len(self._params) <= 12,
            "step": min(2, self.steps - 1),
            "groups": list(self._groups()),
            "states": list(self.cell.states),
            "challenges": [_for_page(c) for c in CHALLENGES.values()],
            **super()._spec(),
        }

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        """Weights by the layer that they belong to, and the starts."""
        found: dict[str, list[str]] = {}
        for name in self._params:
            scope, _, local = name.rpartition(".")
            found.setdefault(".".join(p for p in (scope, local.partition("_")[2] or local) if p), []).append(
                name
            )
        for layer, names in found.items():
            title = (
                label(layer, "t", self.cell.letters) if layer in self._holdable else set_name(layer, "").plain
            )
            yield f"layer {title}", names
        if self._starts:
            yield "before the first step", self._starts

    def __repr__(self) -> str:
        count = self.hidden_size
        return checks.encodable(
            f"<Lab of {self.cell.name}: {count} unit{'s' * (count > 1)}, {self.steps} steps>"
        )


def _for_page(c: Challenge) -> dict[str, Any]:
    wanted = [[None if np.isnan(v) else v for v in row] for row in c.wanted.tolist()]
    about = {"title": c.title, "about": c.about, "passes": c.passes, "steepest": STEEPEST}
    return {**about, "x": c.x.tolist(), "wanted": wanted}


def _sequence(x: Any) -> np.ndarray:
    a = checks.array("x", x, "iuf")
    return a if a.ndim else checks.array("x", x, "iuf", ndim=1, axes="(T,)")


def _of_input(param: Node) -> bool:
    """Whether it is a layer's matrix for its input, as ``W_f`` is."""
    return (
        param.name.rpartition(".")[2].startswith("W") and len(param.shape) == 2 and "fixed" not in param.attrs
    )
