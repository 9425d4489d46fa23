"""The figures of the course: `views.plots`, with a colour for each label that the notebooks give.

    from lstmcourse import plots

is this module. A network or a quantity has one colour in all notebooks; whatever else a figure shows takes
the hues that are left. `word_by_word` draws what a captioner looks at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import given, listed, numbers, text
from ..views import figures, plots
from ..views.plots import *  # noqa: F403
from ..views.style import HUES, figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [*plots.__all__, "word_by_word"]

LABELS = {
    "blue": (
        *("C", "$C_t$", "cell state", "cell state $C_t$", "stored"),
        *("rnn", "plain", "plain network", "plain tanh network", "plain stack", "recurrent"),
        *("σ = 1", "start at σ = 1", "tanh, σ = 1", "σ = 1, untrained"),
        *("number", "verb", "trained", "as trained"),
        *("one vector", "mean of all places"),
    ),
    "orange": (
        *("$f_t$", "$1 - f_t$", "forget gate", "kept"),
        *("lstm", "LSTM", "with forget gate"),
        *("σ = 1.2", "start at σ = 1.2", "tanh, σ = 1.2"),
        *("LSTM, forget bias 0", "$b_f$ = 0", "gender", "untrained"),
    ),
    "green": (
        *(r"$\tilde{C}_t$", "candidate", "entered"),
        *("lstm_f", "f held at 1", "gru", "GRU", "coupled", "coupled gates", "trained with coupled gates"),
        *("clockwork", "with depth gates", "attention", "soft"),
        *("ReLU", "relu, from the identity", "LSTM, forget bias 1", "$b_f$ = 1", "$b_f$ = 1, all ways"),
    ),
    "purple": (
        *("$i_t$", "input gate"),
        *("lstm_1997", "1997", "coupling imposed on it"),
        *("LSTM, forget bias 5", "$b_f$ = 5", "$b_f$ = 5, all ways"),
    ),
    "ochre": ("$o_t$", "output gate", "guessing", "$b_f$ = 2"),
    "ink": ("$h_t$", "hidden state", "hidden state $h_t$", "shown", "wave"),
}
"""Labels of figures by their colour, a name of `PALETTE`."""

HUES.update({label: colour for colour, labels in LABELS.items() for label in labels})


FRAME, RIM = "#fefefe", "#010101"  # on a picture, in either theme


@styled
@given(
    picture=numbers(3, axes="(R, C, 3)"),
    words=listed(text, "of words"),
    shares=numbers(2, axes="(N, L)"),
)
def word_by_word(picture: Any, words: Sequence[str], shares: Any) -> Figure:
    r"""Draw a picture once for each word that is said of it: what is not looked at is faded.

    The place that is looked at most has a frame, and its share stands above, after the word.

    Parameters
    ----------
    picture : array (R, C, 3)
        Red, green and blue, from 0 to 1; what lies outside is cut off.
    words : sequence of N str
        What is said.
    shares : array (N, L)
        What share of the attention each of L places gets at each word; places lie in as many rows as columns,
        and are counted row by row.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        Shapes do not fit one another, or there is no word.

    Examples
    --------
    >>> fig = word_by_word(np.ones((4, 4, 3)), ["a", "wall"], [[0.1, 0.2, 0.6, 0.1], [0.25] * 4])
    >>> [ax.get_title(loc="left") for ax in fig.axes]
    ['a\n0.6', 'wall\n0.25']
    """
    picture, shares = (np.asarray(a, np.float64) for a in (picture, shares))
    side = math.isqrt(shares.shape[1])
    (R, C, colours), (N, L) = picture.shape, shares.shape
    if not (N == len(words) > 0 and L == side**2 > 0 and colours == 3 and R % side == C % side == 0):
        raise ValueError(
            f"picture has shape {picture.shape}, shares {shares.shape}, and there are {len(words)} words: "
            "give (R, C, 3), and (N, L) for N words; L places lie in as many rows as columns, which divide R "
            "and C"
        )
    rows = -(-N // 6)
    columns = -(-N // rows)
    fig, axes = figure(1.35 * columns, 1.85 * rows, rows=rows, columns=columns, squeeze=False)
    height, width = R // side, C // side
    for ax, word, share in zip(axes.flat, words, shares, strict=False):
        shown = 0.3 + 0.7 * share.reshape(side, side) / (share.max() or 1)
        lit = np.kron(shown, np.ones((height, width)))[..., None]
        ax.imshow(np.clip(picture, 0, 1) * lit, interpolation="none")
        row, column = divmod(int(share.argmax()), side)
        x, y = column * width - 0.5, row * height - 0.5
        corners = [x, x + width, x + width, x, x], [y, y, y + height, y + height, y]
        for colour, thick in ((RIM, 4), (FRAME, 2)):
            look = {"color": colour, "linewidth": thick, "linestyle": "-", "marker": ""}
            ax.plot(*corners, **look, clip_on=False)
        ax.set_title(f"{word}\n{figures.short(share.max())}", fontsize=9)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax in axes.flat[N:]:
        ax.remove()
    return fig
