"""The figures of the course: `views.plots`, with a colour for each label that the notebooks give.

    from lstmcourse import plots

is this module. A network or a quantity has one colour in all notebooks; whatever else a figure shows takes
the hues that are left.
"""

from __future__ import annotations

from ..views.plots import *  # noqa: F403
from ..views.plots import __all__ as __all__
from ..views.style import HUES

LABELS = {
    "blue": (
        *("C", "$C_t$", "cell state", "cell state $C_t$", "stored"),
        *("rnn", "plain", "plain network", "plain tanh network", "plain stack", "recurrent"),
        *("σ = 1", "start at σ = 1", "tanh, σ = 1", "σ = 1, untrained"),
        *("number", "verb", "trained", "as trained"),
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
        *("clockwork", "with depth gates"),
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
