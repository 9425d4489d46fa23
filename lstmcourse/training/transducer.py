"""An encoder, a decoder that looks at what it gives, and a read-out: what `Seq2Seq` and `Captioner` share.

The forward pass is `Transducer.run`, the backward pass `Reading.backward`: source → encoder → annotations →
decoder, which is given the word before (teacher forcing) → read-out → loss, and back. `Transducer.write`
decodes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell
from ..errors import DtypeError, ShapeError
from ..run.step import Stepping
from ..run.unroll import unroll
from ..tasks.pairs import Pairs
from .decoding import Written, search
from .equations import digest
from .forward import Forward, at, scored_steps, spread, sum_rows
from .given import as_decoder, as_pairs_task
from .losses import LOSSES
from .network import OVERFLOW, Network, check_indices, check_step
from .optim import Arrays
from .plain import plain

__all__ = ["Reading", "Transducer"]


class Transducer(Network):
    """Base of networks that write a target while they look at a source; see `Seq2Seq`."""

    def __init__(
        self,
        encoder: Cell,
        decoder: Any,
        task: Any,
        *,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
        **sizes: Any,
    ) -> None:
        self._settle(encoder, decoder, task, **sizes)
        self.dtype = checks.dtype(dtype)
        self.params = self._first_parameters(checks.generator("rng", rng, default=0))

    def _settle(self, encoder, decoder, task, *, hidden_size, embedding, attention, sizes) -> None:
        """Check and keep all that decides the parameters' shapes."""
        self.encoder, self.task = encoder, as_pairs_task(task)
        self.decoder, self.looking = as_decoder(decoder)
        self.hidden_size = int(checks.whole("hidden_size", hidden_size, 1))
        self.embedding = int(checks.whole("embedding", embedding, 1))
        self.attention = bool(checks.truth("attention", attention))
        words = self.task.output_size + (self.task.input_size if self.task.symbols else 0)
        checks.memory(f"embedding={embedding}: the vectors", embedding * words)
        own = set(self.decoder.size_names()) - {"D", "H", self.looking.places, self.looking.width}
        given = checks.mapping("sizes", sizes, "of whole numbers by name", optional=True)
        if wrong := sorted(given.keys() - own):
            raise ValueError(
                f"sizes={{{wrong[0]!r}: ...}} does not fit: {self.decoder.name} leaves open "
                f"{', '.join(sorted(own)) or 'no size'}"
            )
        self.sizes = {
            n: int(checks.whole(f"sizes[{n!r}]", given.get(n, hidden_size), 1)) for n in sorted(own)
        }

    # What it is made of -------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """Width of an annotation."""
        return self.encoder.output_size(self.hidden_size)

    @property
    def _parts(self) -> dict[str, tuple[Cell, int, dict[str, int]]]:
        """Cells by the part that they play, with the width of what comes in, and sizes."""
        inputs = self.embedding if self.task.symbols else self._input_size
        return {
            "encoder": (self.encoder, inputs, {}),
            "decoder": (self.decoder, self.embedding, self.sizes | {self.looking.width: self._width}),
        }

    @property
    def _input_size(self) -> int:
        """Width of a step of a source of numbers."""
        return self.task.input_size

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter, in the order of `params`."""
        words, shapes = self.task.output_size, {}
        if self.task.symbols:
            shapes["source.E"] = (self.task.input_size, self.embedding)
        for part, (cell, inputs, sizes) in self._parts.items():
            own = cell.parameter_shapes(inputs, self.hidden_size, sizes)
            shapes |= {f"{part}.{name}": shape for name, shape in own.items()}
        read = self.decoder.output_size(self.hidden_size, self.embedding, self._parts["decoder"][2])
        read += len(self.looking.contexts) * self._width + self.embedding
        return shapes | {
            "target.E": (words, self.embedding),
            "readout.V": (read, words),
            "readout.d": (words,),
        }

    @classmethod
    def shapes_of(cls, cells, task, **settings) -> dict[str, tuple[int, ...]]:
        """Return the shapes that `params` have in a model of these cells and settings, without making it."""
        model = object.__new__(cls)
        model._settle(**cells, task=task, **settings)
        return model._shapes()

    def _first_parameters(self, rng: np.random.Generator) -> Arrays:
        """Draw cells as they say themselves; V uniform in ±1/√width (LeCun et al. 1998), d 0, E normal."""
        params = {}
        for name, shape in self._shapes().items():
            part = name.partition(".")[0]
            if name.endswith(".E"):
                params[name] = rng.normal(size=shape).astype(self.dtype)
            elif name == "readout.V":
                bound = 1 / math.sqrt(shape[0])
                params[name] = rng.uniform(-bound, bound, size=shape).astype(self.dtype)
            elif name == "readout.d":
                params[name] = np.zeros(shape, self.dtype)
            elif name not in params:
                cell, inputs, sizes = self._parts[part]
                drawn = cell.init(inputs, self.hidden_size, rng, self.dtype, sizes=sizes)
                params |= {f"{part}.{own}": p for own, p in drawn.items()}
        return params

    @property
    def parameter_count(self) -> int:
        """How many numbers training changes."""
        rest = sum(p.size for name, p in self.params.items() if name.partition(".")[0] not in self._parts)
        return rest + sum(c.parameter_count(d, self.hidden_size, s) for c, d, s in self._parts.values())

    def work(self, batch_size: int) -> int:
        """Return how much there is to multiply in a step through time, for the choice of threads."""
        return batch_size * self.hidden_size**2

    @property
    def config(self) -> dict[str, Any]:
        """What the model is, apart from its parameters: plain data, as a checkpoint stores it."""
        return {
            "kind": type(self).__name__,
            "cells": {p: {"cell": c.name, "options": plain(c.options)} for p, c in self._given_cells.items()},
            "equations": {
                part: digest(cell, cell.sizes(inputs, self.hidden_size, sizes) | {self.looking.places: 4})
                for part, (cell, inputs, sizes) in self._parts.items()
            },
            "sizes": {
                "hidden_size": self.hidden_size,
                "embedding": self.embedding,
                "attention": self.attention,
                "sizes": self.sizes,
            },
            "training": {},
            "dtype": str(self.dtype),
            "task": plain(self.task.config()),
        }

    # Forward and backward -----------------------------------------------------------------------------------

    def run(
        self,
        batch: Any,
        state: Mapping[str, np.ndarray] | None = None,
        *,
        rng: np.random.Generator | None = None,
        grad: bool = False,
        backend: str | None = None,
        step: int | None = None,
    ) -> Reading:
        """Pass a batch forward, as far as the loss; the decoder reads the target's word before.

        Parameters
        ----------
        batch : Pairs
            Sources and targets, with their lengths.
        state : None
            Nothing is carried from batch to batch.
        rng : numpy.random.Generator, optional
            Draws where hard attention looks; without it, it looks at the same places each time.
        grad : bool
            Keep what `Reading.backward` needs.
        backend : str, optional
            What computes the cells, as `lstmcourse.unroll` takes it.
        step : int, optional
            In training, the number of steps taken before.

        Raises
        ------
        ValueError
            No step is scored; a symbol is out of range; shapes do not fit.
        """
        checks.instance("batch", batch, Pairs, "model.task.batch(batch_size=4)")
        checks.truth("grad", grad)
        check_step(step)
        if checks.mapping("state", state, "of arrays by name", optional=True):
            raise ValueError(f"state={checks.shown(state)} does not fit: pairs do not carry on; leave it out")
        rng = checks.generator("rng", rng, default=0)
        target = checks.array("batch.target", batch.target, "iu", ndim=2, axes="(T, B)")
        encoded = self._encode(batch.source, batch.source_lengths, grad, backend, "batch.source")
        checks.same_shape("batch.target", target[0], "the source has", (encoded.a.shape[0],))
        check_indices("batch.target", target, self.task.output_size, "symbols")
        scored = scored_steps(batch.mask, target.shape)
        y = self.params["target.E"][batch.previous]
        inputs = self._statics(encoded) | self._noise((*target.shape, 1), rng)
        run = unroll(self.decoder, self._part("decoder"), y, inputs=inputs, grad=grad, backend=backend)
        features = at(self._features(run, y), scored)
        words = at(target, scored)
        value, prediction = LOSSES["cross_entropy"].judge(self._read(features), words)
        nats = float(value.mean(dtype=np.float64))
        given = (self, batch, run, nats, len(value), prediction, scored, features, None, words)
        return self._reading(given, encoded, spread(value, scored, target.shape), step)

    def _reading(self, given: tuple, encoded: Encoded, nats: np.ndarray, step: int | None) -> Reading:
        return Reading(*given, encoded)

    def _encode(self, source, lengths, grad: bool, backend: str | None, name: str = "source") -> Encoded:
        """Annotations of sources, or with ``attention=False`` one vector for each."""
        x, lengths = self._source(checks.array(name, source), lengths, name)
        run = unroll(self.encoder, self._part("encoder"), x, lengths=lengths, grad=grad, backend=backend)
        h, weights = run.output, None
        if self.attention:
            return Encoded(run, np.ascontiguousarray(h.swapaxes(0, 1)), lengths, None)
        weights = self._summary(lengths, h.shape).astype(self.dtype)
        return Encoded(run, (weights * h).sum(0)[:, None], np.ones_like(lengths), weights)

    def _source(self, source: np.ndarray, lengths: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
        """What the encoder reads, (S, B, ...), and the lengths of sources, (B,)."""
        shape = source.shape
        if self.task.symbols:
            check_indices(name, source, self.task.input_size, "symbols")
            if source.ndim != 2:
                raise ShapeError(f"{name} has shape {source.shape}; symbols are of shape (S, B)")
            source = self.params["source.E"][source]
        elif source.ndim != 3 or source.shape[2] != self.task.input_size:
            raise ShapeError(f"{name} has shape {source.shape}; it needs (S, B, {self.task.input_size})")
        elif source.dtype != self.dtype:
            raise DtypeError(f"{name} is {source.dtype}, and the model {self.dtype}; convert it")
        if lengths is None:
            lengths = np.full(shape[1], len(source))
        lengths = checks.array(f"the lengths of {name}", lengths, "iu")
        if lengths.shape != shape[1:2] or not len(source):
            raise ShapeError(
                f"{name} has shape {shape}, and its lengths {lengths.shape}; they are (S, B, ...), S from 1, "
                "and (B,)"
            )
        if not (1 <= lengths.min() and lengths.max() <= len(source)):
            raise ValueError(
                f"the lengths of {name} are from {lengths.min()} to {lengths.max()}; they go from 1 to "
                f"S = {len(source)}"
            )
        if source.dtype.kind == "f":
            there = (np.arange(len(source))[:, None] < lengths)[..., None]
            checks.finite(name, np.where(there, source, 0), "look for it in the task")
        if self.looking.count is None and self.attention and lengths.min() < len(source):
            raise ValueError(
                f"{name} has sources of {lengths.min()} to {len(source)} parts, and {self.decoder.name} is "
                "not told how many there are: give sources of one length, or take a decoder such as "
                "additive_attention"
            )
        return source, lengths

    def _summary(self, lengths: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The weights (S, B, A) of the outputs in the one vector that stands for a source."""
        raise NotImplementedError

    def _statics(self, encoded: Encoded) -> Arrays:
        count = (
            {self.looking.count: encoded.lengths[:, None].astype(self.dtype)} if self.looking.count else {}
        )
        return {self.looking.annotations: encoded.a} | count

    def _noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> Arrays:
        return {self.looking.noise: rng.random(shape).astype(self.dtype)} if self.looking.noise else {}

    def _features(self, run: Any, y: np.ndarray) -> np.ndarray:
        """What the read-out reads: the decoder's output, what it saw, and the word before."""
        seen = [run[name] for name in (self.decoder.output, *self.looking.contexts)]
        return np.concatenate([*seen, y], axis=-1)

    # Decoding -----------------------------------------------------------------------------------------------

    def write(
        self,
        source: np.ndarray,
        lengths: np.ndarray | None = None,
        *,
        beam: int = 1,
        length_penalty: float = 1.0,
        most: int | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> Written:
        """Write a target for each source.

        Parameters
        ----------
        source : ndarray
            ``(S, B)`` symbols or ``(S, B, D)`` numbers, as in a batch.
        lengths : ndarray (B,), optional
            Of the sources; S if not given.
        beam : int
            How many hypotheses are kept; with 1 the likeliest word is taken at each step.
        length_penalty : float
            Hypotheses are ranked by log p / n ** length_penalty, n being the number of their symbols: 0 ranks
            by probability, which favours short ones, 1 by the mean for each symbol.
        most : int, optional
            Symbols after which writing ends in any case; 2 S + 10 if not given.
        rng : numpy.random.Generator or int, optional
            Draws where hard attention looks; 0 if not given.

        Returns
        -------
        Written
        """
        return self._write("source", source, lengths, beam, length_penalty, most, rng)

    def _write(self, name, source, lengths, beam, length_penalty, most, rng) -> Written:
        """`write`, of a source that is called otherwise."""
        checks.whole("beam", beam, 1, self.task.output_size)
        checks.number("length_penalty", length_penalty, 0, math.inf, without=math.inf)
        if most is not None:
            checks.whole("most", most, 1)
        rng = checks.generator("rng", rng, default=0)
        self._refuse_broken("it can write nothing")
        encoded = self._encode(source, lengths, False, None, name)
        rows, most = len(encoded.a), 2 * len(source) + 10 if most is None else most
        checks.memory(f"most={most}, beam={beam}: what is written", most * rows * beam)
        statics = {name: np.repeat(a, beam, axis=0) for name, a in self._statics(encoded).items()}
        decode = Stepping(self.decoder, self._part("decoder"), statics)

        def step(symbols, state):
            y = self.params["target.E"][symbols]
            noise = self._noise((len(y), 1), rng)
            with np.errstate(over="ignore", invalid="ignore"):
                new = decode(y, state, **noise)
                z = checks.finite("the read-out", self._read(self._features(new, y)), OVERFLOW)
            z = z.astype(np.float64) - z.max(axis=-1, keepdims=True)
            return z - np.log(np.exp(z).sum(axis=-1, keepdims=True)), new[self.looking.shares], dict(new)

        return search(step, rows, beam, length_penalty, most)

    def __repr__(self) -> str:
        cells = ", ".join(cell.name for cell in self._given_cells.values())
        how = "" if self.attention else ", one vector"
        return checks.encodable(
            f"{type(self).__name__}({cells}; {self.hidden_size} units for {self.task.name}{how}; "
            f"{self.parameter_count:,} parameters, {self.dtype})"
        )


@dataclass(frozen=True, eq=False)
class Encoded:
    """What an encoder made of sources: its run, annotations a (B, L, A), how many there are of each (B,), and
    the weights with which its outputs were added up to one, if they were.
    """

    run: Any
    a: np.ndarray
    lengths: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Reading(Forward):
    """What `Seq2Seq.run` and `Captioner.run` give: a `Forward` whose `run` is the decoder's.

    Attributes
    ----------
    encoded : Encoded
        What the decoder looked at, with the encoder's run.
    """

    encoded: Encoded

    @property
    def final(self) -> Arrays:
        """Nothing is carried from batch to batch."""
        return {}

    @property
    def alignment(self) -> np.ndarray:
        """Where the decoder looked at each step, (T, B, L): shares that add up to 1."""
        return self.run[self.model.looking.shares]

    def _looks(self) -> Arrays:
        """Gradients of what the loss takes from the decoder beside its output and contexts."""
        return {}

    def backward(self) -> Arrays:
        """Return the gradient of the loss for every name in the model's `params`."""
        model, batch, looking = self.model, self.batch, self.model.looking
        read, named = self._read_back()
        read = spread(read, self._where, (*batch.target.shape, read.shape[-1]))
        outputs = (model.decoder.output, *looking.contexts)
        ends = np.cumsum([self.run[name].shape[-1] for name in outputs])
        *seen, dy = np.split(read, ends, axis=-1)
        given = {name: np.ascontiguousarray(d) for name, d in zip(outputs, seen, strict=True)} | self._looks()
        grads = self.run.backward(given)
        dy = dy + grads[model.decoder.inputs[0].name]
        da, encoder, weights = grads[looking.annotations], self.encoded.run, self.encoded.weights
        dh = np.ascontiguousarray(da.swapaxes(0, 1)) if weights is None else weights * da[:, 0]
        below = encoder.backward({model.encoder.output: dh}, inputs=bool(model.task.symbols))
        named |= {f"decoder.{name}": g for name, g in grads.params.items()}
        named |= {f"encoder.{name}": g for name, g in below.params.items()}
        named["target.E"] = sum_rows(batch.previous, dy, model.params["target.E"].shape)
        if model.task.symbols:
            dx = below[model.encoder.inputs[0].name]
            named["source.E"] = sum_rows(batch.source, dx, model.params["source.E"].shape)
        return {name: named[name] for name in model.params}
