"""`Seq2Seq`: one network reads a sequence, another writes one, and looks back at what the first has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell
from ..errors import UnknownNameError
from ..tasks.pairs import packed
from .given import as_cell
from .transducer import Transducer

__all__ = ["Seq2Seq"]


class Seq2Seq(Transducer):
    """Encoder and decoder, with embeddings, a read-out, and the loss of a task with pairs.

    The encoder reads the source. Its outputs are the annotations, at which the decoder looks while it writes
    the target; in training it reads the right word before, not its own. The read-out is linear in the
    decoder's output, what it saw, and the word before.

    With ``attention=False`` the same decoder is given one annotation: the encoder's output where it ends, of
    a bidirectional one at both its ends. The parameters are the same ones, so that the two can be compared.

    Parameters
    ----------
    encoder : Cell or str
        A cell, a stack, a bidirectional one, or a cell's name.
    decoder : Cell or str
        A cell that looks at annotations, such as ``lstmcourse.cells.additive_attention``.
    task : Transduction or str
        Says what comes in and out: a task, or its name.
    hidden_size : int
        Width H of either cell; a bidirectional encoder's annotations are 2 H wide.
    embedding : int
        Width of a learned vector for each word, of the source (where it has words) and of the target.
    attention : bool
        Whether the decoder sees all annotations.
    sizes : mapping, optional
        Other sizes of the decoder by name, such as K, in which it compares; `hidden_size` if not given.
    rng : numpy.random.Generator or int, optional
        For the first parameters; 0 if not given.
    dtype : dtype
        float32 to train, float64 to check.

    Attributes
    ----------
    params : dict of str to ndarray
        ``"source.E"`` (words, embedding), ``"encoder.*"`` and ``"decoder.*"`` as the cells name them,
        ``"target.E"`` (words, embedding), ``"readout.V"`` (width, words), ``"readout.d"`` (words,). Training
        changes the arrays in place.

    Raises
    ------
    ValueError, TypeError
        A size is out of range; a cell cannot play its part; the task's batches are no pairs.
    UnknownNameError
        No cell or task has that name.

    References
    ----------
    I. Sutskever, O. Vinyals, Q. V. Le, "Sequence to Sequence Learning with Neural Networks", NIPS 2014.

    D. Bahdanau, K. Cho, Y. Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate",
    ICLR 2015.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> encoder = lc.bidirectional(lc.cells.gru)
    >>> model = lc.Seq2Seq(encoder, "additive_attention", "translation", 16, embedding=8)
    >>> history = lc.fit(model, 2, batch_size=4, progress=False)
    >>> batch = model.task.batch("test", batch_size=3)
    >>> written = model.write(batch.source, batch.source_lengths, most=5)
    >>> written.symbols.shape == written.alignment.shape[:2], len(written.rows)
    (True, 3)
    """

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        task: Any,
        hidden_size: int = 64,
        *,
        embedding: int = 32,
        attention: bool = True,
        sizes: dict[str, int] | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        sizes = {"hidden_size": hidden_size, "embedding": embedding, "attention": attention, "sizes": sizes}
        super().__init__(encoder, decoder, task, rng=rng, dtype=dtype, **sizes)

    def _settle(self, encoder, decoder, task, **sizes) -> None:
        encoder = as_cell(encoder, "encoder")
        if masks := [i.name for i in encoder.inputs if i.kind == "noise"]:
            raise ValueError(
                f"encoder={encoder.name} takes {', '.join(masks)}, and nothing is dropped here: give a stack "
                "without dropout"
            )
        super()._settle(encoder, decoder, task, **sizes)
        if self.looking.noise:
            raise ValueError(
                f"decoder={self.decoder.name} draws where it looks, by its noise {self.looking.noise!r}; "
                "that is trained by lstmcourse.Captioner"
            )

    @property
    def _given_cells(self) -> dict[str, Cell]:
        return {"encoder": self.encoder, "decoder": self.decoder}

    def _summary(self, lengths: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """1 at the step where each unit of the encoder's output has read everything."""
        S, B, A = shape
        weights, rows = np.zeros((S, B, A)), np.arange(B)
        backwards = _read_backwards(self.encoder, A)
        weights[np.ix_([0], rows, backwards)] = 1
        weights[(lengths - 1)[:, None], rows[:, None], ~backwards] = 1
        return weights

    def translate(
        self,
        text: str | Sequence[str],
        *,
        beam: int = 1,
        length_penalty: float = 1.0,
        most: int | None = None,
    ) -> str | list[str]:
        """Translate a text, or each of several.

        Parameters
        ----------
        text : str, or list of str
            As the task encodes it; it must not be empty.
        beam, length_penalty, most
            As `write` takes them.

        Raises
        ------
        UnknownNameError
            A word is none of the task's.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> model = lc.Seq2Seq("gru", "additive_attention", "translation", 16, embedding=8)
        >>> model.translate("the cat sees a red tree", most=3) == model.translate(
        ...     ["the cat sees a red tree"], most=3
        ... )[0]
        True
        """
        if isinstance(text, str):
            return self.translate([text], beam=beam, length_penalty=length_penalty, most=most)[0]
        checks.listed(checks.text, "of texts")("text", text)
        rows = [self._encoded(k, one) for k, one in enumerate(text)]
        if not rows:
            raise ValueError(f"text={text!r} is empty: give at least one text")
        source, lengths = packed(rows)
        how = {"beam": beam, "length_penalty": length_penalty, "most": most}
        return [self.task.decode_target(column) for column in self.write(source, lengths, **how).symbols.T]

    def _encoded(self, k: int, text: str) -> np.ndarray:
        try:
            symbols = self.task.encode(text)
        except UnknownNameError as error:
            raise UnknownNameError(f"text[{k}]: {error}") from None
        if not len(symbols):
            raise ValueError(f"text[{k}]={text!r} has no symbols: there is nothing to translate")
        return symbols


def _read_backwards(cell: Cell, width: int) -> np.ndarray:
    """Which units of a cell's output have read everything at the first step, not at the last, (width,)."""
    how, parts, _ = cell.parts or ("", (), {})
    if how == "stack":
        return _read_backwards(parts[-1], width)
    return np.arange(width) >= width // 2 if how == "bidirectional" else np.zeros(width, bool)
