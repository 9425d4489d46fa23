"""A trained translator, a sentence that one types, and where it looks as it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from .. import checks
from ..training.seq2seq import Seq2Seq
from ..views.diagram.picture import Diagram
from . import page, weights
from .picture import number
from .shown import Shown
from .still import drawn, text_at

__all__ = ["AttentionLab", "a_translator"]

LONGEST = 30  # words of a sentence
EXAMPLES = 6
LEFT, COLUMN, ROW = 96, 58, 26  # pixels of the still picture

HINT = (
    "Point at a word that is written: what it looks at stands out above. Point at a word that is read: those "
    "that look at it stand out on the left. Arrows move through the map."
)


def a_translator(name: str, model: Seq2Seq) -> Seq2Seq:
    """A translator that a laboratory can show; else what stands in the way."""
    if not model.attention:
        raise ValueError(f"{name}={model!r}: it looks at one vector; there is no map to show")
    if model.task.symbols is None:
        raise ValueError(f"{name}={model!r}: it reads numbers; the laboratory is for those that read symbols")
    weights.check(name, model)
    return model


@final
class AttentionLab(Shown):
    """A translator, a sentence, what it writes of it and where it looks; made by `lstmcourse.lab`.

    Attributes
    ----------
    sentence : str
        What is read; it can be set.
    """

    def __init__(self, model: Seq2Seq, x: Any = None):
        super().__init__()
        self.model = weights.in_float64(model)
        self._examples = list(self._some_sentences())
        self._words = self._read("x", self._examples[0] if x is None else x)
        self._begin(repr(model), weights.name_of(self.model.params))

    def _some_sentences(self) -> Iterator[str]:
        batch = self.model.task.batch("test", batch_size=4 * EXAMPLES, seed=0)
        lengths = np.flatnonzero(batch.source_lengths <= LONGEST)[:EXAMPLES]
        return (self.model.task.decode(batch.source[: batch.source_lengths[b], b]) for b in lengths)

    def _read(self, name: str, text: Any) -> np.ndarray:
        words = self.model.task.encode(checks.text(name, text))
        if not 1 <= len(words) <= LONGEST:
            raise ValueError(f"{name} has {len(words)} symbols; the laboratory reads 1 to {LONGEST}")
        return words

    @property
    def sentence(self) -> str:
        """What is read."""
        return self.model.task.decode(self._words)

    @sentence.setter
    def sentence(self, text: str) -> None:
        self._words = self._read("sentence", text)
        self._tell()

    @property
    def translation(self) -> str:
        """What is written, the likeliest word at each step."""
        return self.model.task.decode_target(self._written.symbols[:, 0])

    @property
    def shares(self) -> np.ndarray:
        """Where it looks: a row for each word that is written, a column for each that is read."""
        return self._written.alignment[: len(self._written.rows[0]), 0]

    @property
    def _written(self) -> Any:
        return self.model.write(self._words[:, None])

    # showing it

    def _title(self) -> str:
        return f"{self.model.task.name}: where the network looks"

    def _html(self) -> str:
        model, looking = self.model, self.model.looking
        cells = {}
        for part, (cell, inputs, own) in model._parts.items():
            known = cell.sizes(inputs, model.hidden_size, own) | {looking.places: LONGEST}
            cells[part] = cell, {name: known[name] for name in cell.size_names()}
        spec = {
            **self._told(),
            "name": f"Laboratory: {self._title()}",
            "title": self._title(),
            "hint": HINT,
            "weights": weights.as_text(model.params),
            "encoder": [p.name for p in model.encoder.graph.params],
            "decoder": [p.name for p in model.decoder.graph.params],
            "width": model.embedding,
            "reads": model.encoder.inputs[0].name,
            "annotated": model.encoder.output,
            "follows": model.decoder.inputs[0].name,
            "annotations": looking.annotations,
            "count": looking.count,
            "shares": looking.shares,
            "features": [model.decoder.output, *looking.contexts],
            "states": list(model.decoder.states),
            "symbols": list(model.task.symbols),
            "targets": list(model.task.target_symbols),
            "joiner": model.task.joiner,
            "unknown": model.task.unknown,
            "longest": LONGEST,
            "examples": self._examples,
        }
        return page.fragment(page.ATTENTION, self._still(), page.programs(cells), spec, self._key)

    def _still(self) -> Diagram:
        """The map as a picture."""
        read = self.sentence.split(self.model.task.joiner or None)
        written, shares = self.translation.split(self.model.task.joiner or None), self.shares
        width, height = LEFT + COLUMN * len(read) + 8, 30 + ROW * len(written) + 8
        parts = [text_at(LEFT + COLUMN * (c + 0.5), 20, word, "middle") for c, word in enumerate(read)]
        looks = []
        for r, word in enumerate(written):
            y = 30 + ROW * r
            parts.append(text_at(LEFT - 8, y + 18, word, "end"))
            looks.append(f"“{word}” at “{read[int(shares[r].argmax())]}”")
            for c in np.flatnonzero(shares[r] >= 0.005):
                x, share = LEFT + COLUMN * c, float(shares[r, c])
                parts.append(
                    f'<rect x="{x + 1}" y="{y + 1}" width="{COLUMN - 2}" height="{ROW - 2}" '
                    f'fill="var(--lc-blue)" opacity="{0.4 * share:.2f}"/>'
                )
                parts.append(text_at(x + COLUMN / 2, y + 18, number(share), "middle"))
        title = "Where the network looks as it translates"
        desc = f"It reads: {self.sentence}. It writes: {self.translation}. It looks most: {', '.join(looks)}."
        return drawn(title, desc, width, height, parts)

    def __repr__(self) -> str:
        return f"<AttentionLab of {self.model!r}: {len(self._words)} symbols>"

    # the page and Python

    def _told(self) -> dict[str, Any]:
        return {"words": self._words.tolist()}

    def _take(self, told: Mapping[str, Any]) -> None:
        self._words = np.array(told["words"], np.int64)
