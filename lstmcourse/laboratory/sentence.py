"""A trained network on words that one types: what its units do at each, what it expects, and what if."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np

from .. import checks
from ..errors import ShapeError
from ..training.losses import LOSSES
from ..training.model import Model
from . import page, probes, weights
from .base import LONGEST, Laboratory, a_cell, array_for_page
from .graphs import keys
from .still import still

__all__ = ["SentenceLab", "a_reader"]

EXAMPLES, EXAMPLE = 6, 22  # sentences to pick from, and their most words
SHOWN = 2  # units in view as it begins

HINT = (
    "Choose a number in the table: here stands its equation. Arrows move through the table. Drag a number up "
    "or down, or press + and &minus;; 1 opens a gate, 0 shuts it, Delete lets go. Drag along a row to mark a "
    "span, and hold it below."
)


def a_reader(name: str, value: Any) -> Model:
    """A model that reads symbols and gives probabilities, small enough for a page."""
    model = checks.instance(name, value, Model, "lstmcourse.reader.load()")
    a_cell(f"{name}.cell", model.cell)
    if model.task.symbols is None:
        raise ValueError(
            f"{name}={model!r}: its inputs are numbers; the laboratory of a model is for those that read "
            "symbols, such as words; for numbers there is the cell's: lstmcourse.lab(model.cell)"
        )
    if model.task.loss == "mse":
        raise ValueError(f"{name}={model!r}: it gives no probabilities, and the laboratory shows these")
    weights.check(name, model)
    return model


@final
class SentenceLab(Laboratory):
    """A model, a sentence, and what is held while it is read; made by `lstmcourse.lab`.

    Beside `values`, `held`, `hold` and `run`, it has

    Attributes
    ----------
    sentence : str
        What is read; it can be set.
    units : dict of str to ndarray (H,)
        What is said of each unit: how well its state tells what the task knows of its words, such as
        ``"gender"`` (0.5 is chance), where the task knows something; and ``"loss without it"``, the rise of
        the loss, in nats a word, when it is silenced. Both on sentences of the test split.
    """

    def __init__(self, model: Model, x: Any = None, units: Any = None):
        self.model = model
        self._answers = _answers(model)
        params = {k.removeprefix("cell."): _wide(p) for k, p in model.params.items() if k.startswith("cell.")}
        self._readout = _wide(model.params["readout.V"]), _wide(model.params["readout.d"])
        count = model.task.input_size
        self._vectors = _wide(model.params["embedding.E"]) if model.embedding else np.eye(count)
        super().__init__(model.cell, dict(model.sizes), params, 1)
        self._examples = list(self._some_sentences())
        self._input_name = self._inputs[0]
        self._values[self._input_name] = self._read(self._examples[0] if x is None else x)
        self.steps = len(self._values[self._input_name])
        self._shown = None if units is None else probes.places("units", units, self.sizes["H"])
        self._begin(self.cell.name, str(self.cell.graph), repr(model), weights.name_of(self._weights()))

    # what it reads

    @property
    def sentence(self) -> str:
        """What is read."""
        return self.model.task.decode(self._symbols)

    @sentence.setter
    def sentence(self, text: str) -> None:
        self.values = {self._input_name: checks.text("sentence", text)}

    @property
    def _symbols(self) -> np.ndarray:
        """The symbols that are read, (T,)."""
        x = self._values[self._input_name][:, 0]
        return np.array([int(np.argmin(np.abs(self._vectors - row).sum(axis=1))) for row in x])

    def _read(self, value: Any) -> np.ndarray:
        """A sentence as vectors (T, 1, D): of text, of symbols (T,), or of vectors of symbols."""
        task, name = self.model.task, f"values[{self._input_name!r}]"
        if isinstance(value, str):
            symbols = task.encode(value)
        else:
            a = checks.finite(name, checks.array(name, value, "iuf"))
            if a.ndim == 3 and a.shape[1:] == (1, self.sizes["D"]):
                near = np.abs(a[:, 0, None] - self._vectors).max(axis=2)
                if len(a) and near.min(axis=1).max() > 0:
                    step = int(near.min(axis=1).argmax())
                    raise ValueError(f"{name}: at step {step} stands the vector of no symbol; give text")
                symbols = near.argmin(axis=1) if len(a) else np.zeros(0, int)
            else:
                symbols = a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a
                if symbols.ndim != 1:
                    raise ShapeError(f"{name} has shape {a.shape}; give text, or symbols (T,)")
                if (symbols != np.floor(symbols)).any():
                    raise ValueError(f"{name}: symbols are whole numbers; give text, or symbols (T,)")
                symbols = symbols.astype(np.int64)
        if not 1 <= len(symbols) <= LONGEST:
            raise ValueError(f"{name} has {len(symbols)} symbols; the laboratory reads 1 to {LONGEST}")
        if symbols.min() < 0 or symbols.max() >= len(self._vectors):
            raise ValueError(
                f"{name} has symbols from {symbols.min()} to {symbols.max()}; those of {task.name} go from 0 "
                f"to {len(self._vectors) - 1}"
            )
        return self._vectors[symbols][:, None]

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        if name == self._input_name:
            return self._read(value)
        a = super()._fitting(name, value)
        if name in self._params and not np.array_equal(a, self._values[name]):
            raise ValueError(
                f"values[{name!r}]: the weights are those of the model; make a laboratory of another, "
                "lstmcourse.lab(model.with_params(...))"
            )
        return a

    def _some_sentences(self) -> Iterator[str]:
        """Sentences to pick from, of the task's test split."""
        batch = self.model.task.batch("test", batch_size=EXAMPLES, seed=0)
        for b in range(batch.x.shape[1]):
            length = len(batch.x) if batch.lengths is None else batch.lengths[b]
            yield self.model.task.decode(batch.x[: min(length, EXAMPLE), b])

    # what it says

    def predict(self, *, held: bool = True) -> np.ndarray:
        """Return what the network expects after each word, (T, 1, K), as `Model.predict` does.

        Parameters
        ----------
        held : bool
            With what is held, as the page says "now"; else as the network is by itself, "before".
        """
        run = self.run() if checks.truth("held", held) else self._run(self.cell, {})
        matrix, bias = self._readout
        return LOSSES[self.model.task.loss].predict(run[self.cell.output] @ matrix + bias)

    @cached_property
    def units(self) -> dict[str, np.ndarray]:
        """What is said of each unit, (H,) each."""
        return probes.told(self.model) | probes.effect(self.model)

    @property
    def shown(self) -> list[int]:
        """The units in view as the page opens: those that were chosen, else the best of each column."""
        if self._shown is not None:
            return self._shown.tolist()
        best = [int(np.argmax(a)) for name, a in self.units.items() if name != probes.EFFECT]
        effects = self.units.get(probes.EFFECT, np.zeros(self.sizes["H"]))
        rest = np.argsort(-effects, kind="stable").tolist()
        return list(dict.fromkeys([*best, *rest]))[: max(SHOWN, len(best))]

    # showing it

    def _title(self) -> str:
        return f"{self.model.task.name}, read by {self.cell.name}: a laboratory"

    def _rows(self) -> list[dict[str, Any]]:
        """The rows of a unit: every equation that has a number for it, and what is written into a state."""
        known = {row["key"]: row for row in self._told_rows}
        rows = [row for key, row in known.items() if self._holdable[key] == (self.sizes["H"],)]
        names = [row["key"] for row in rows]
        for key, parts, state in _written(self.cell):
            if known.get(state) in rows:
                at = 1 + max([names.index(p) for p in parts if p in names], default=names.index(state) - 1)
                rows.insert(at, {**known[state], "key": key, "range": None, "gate": False, "only": True})
                names.insert(at, key)
        return rows

    @property
    def where_it_matters(self) -> int:
        """The word at which the first unit in view does most for what is expected next."""
        if self.cell.output not in self._holdable:
            return self.steps - 1
        kept, self._held = self._held, {}
        self._quietly(lambda: self.hold(self.cell.output, 0.0, units=self.shown[:1]))
        moved = np.abs(self.predict() - self.predict(held=False)).sum(axis=(1, 2))
        self._held = kept
        return int(moved.argmax())

    @cached_property
    def _told_rows(self) -> list[dict[str, Any]]:
        return super()._spec()["rows"]

    def _weights(self) -> dict[str, np.ndarray]:
        """All weights by name, those of the read-out and the embedding too."""
        arrays = {name: self._values[name] for name in self._params}
        arrays |= {"readout V": self._readout[0], "readout d": self._readout[1]}
        if self.model.embedding:
            arrays["embedding E"] = self._vectors
        return arrays

    def _spec(self) -> dict[str, Any]:
        task, spec = self.model.task, super()._spec()
        count = self.sizes["H"]
        return {
            **spec,
            "name": f"Laboratory: {task.name}, read by {self.cell.name} of {count} units",
            "title": f"{task.name}, read by {self.cell.name} of {count} units",
            "hint": HINT,
            "step": self.where_it_matters,
            "rows": self._rows(),
            "weights": weights.as_text(self._weights()),
            "symbols": list(task.symbols),
            "joiner": task.joiner,
            "unknown": task.unknown,
            "input": self._input_name,
            "output": self.cell.output,
            "answers": None if self._answers == list(task.symbols) else self._answers,
            "softmax": task.loss == "cross_entropy",
            "examples": self._examples,
            "shown": self.shown,
            "probes": {k: [round(float(v), 4) for v in a] for k, a in self.units.items()},
        }

    def _html(self) -> str:
        code = page.arithmetic(self.cell, self.sizes)
        return page.fragment(page.SENTENCE, still(self), code, self._spec(), self._key)

    def __repr__(self) -> str:
        return f"<SentenceLab of {self.model!r}: {self.steps} symbols>"

    # the page and Python

    def _told_values(self) -> dict[str, dict[str, Any]]:
        """The sentence as symbols, and the starts; the weights stay as they are."""
        told = {name: array_for_page(self._values[name]) for name in self._starts}
        return {self._input_name: array_for_page(self._symbols.astype(np.float64)), **told}


def _wide(p: np.ndarray) -> np.ndarray:
    return p.astype(np.float64)


def _answers(model: Model) -> list[str]:
    """What the network gives probabilities of: its own symbols, or classes."""
    task = model.task
    if task.output_size == task.input_size:
        return list(task.symbols)
    return [f"class {k}" for k in range(task.output_size)]


def _written(cell: Any) -> Iterator[tuple[str, Sequence[str], str]]:
    """Products without a name that are added into a state, and not of its past: key, factors, state."""
    found = keys(cell.graph)
    for s in cell.graph.states:
        for part in s.next.args if s.next.op.name == "add" else ():
            if part.op.name == "mul" and not part.name and not any(a.op.name == "prev" for a in part.args):
                yield found[part], [found.get(a, "") for a in part.args], s.name
