"""The cells of two large studies of the LSTM's parts: Greff et al. (2017), Jozefowicz et al. (2015).

A variant leaves something out of one text, or puts something in.
"""

from ..cell import cell
from ..engine.graph import Node
from ..engine.layers import affine, param
from ..engine.ops import constant, sigmoid, spread, tanh
from .lstm import PAPER
from .options import flag, subset
from .peepholes import net


def gate(label: str, h: Node, x: Node, c: Node, without: str, peepholes: str) -> Node:
    """A gate; one that the variant does without stands open."""
    return spread(constant(1.0), h) if label in without else sigmoid(net(label, h, x, c, peepholes, False))


@cell(init={"b_f": 1.0}, letters=PAPER)
def greff_v(x, h, c, without="", coupled=False, linear="", peepholes="fio"):
    """Vanilla LSTM of Greff et al., "LSTM: A Search Space Odyssey" (2017): with peepholes.

    Its variants: `without` names gates that stand open, any of "fio"; `coupled` makes f = 1 - i; `linear`
    names squashing functions that are left out, "g" of the block input and "h" of the output; `peepholes` the
    gates that see the cell state.
    """
    without, linear = subset("without", without, "fio"), subset("linear", linear, "gh")
    peepholes = subset("peepholes", peepholes, "fio")
    if flag("coupled", coupled) and set(without) & {*"fi"}:
        raise ValueError(f"without={without!r}: coupled gates are one, and neither f nor i stands open alone")
    if not coupled:
        f = gate("f", h, x, c, without, peepholes)  # forget gate
    i = gate("i", h, x, c, without, peepholes)  # input gate
    if coupled:
        f = 1.0 - i
    g = affine("g", h, x) if "g" in linear else tanh(affine("g", h, x))  # block input
    c = f * c + i * g
    o = gate("o", h, x, c, without, peepholes)  # output gate, of the new c
    h = o * c if "h" in linear else o * tanh(c)
    return h, c


greff_nig = greff_v.variant("greff_nig", "V without an input gate: i = 1.", without="i")
greff_nfg = greff_v.variant("greff_nfg", "V without a forget gate: f = 1.", without="f")
greff_nog = greff_v.variant("greff_nog", "V without an output gate: o = 1.", without="o")
greff_niaf = greff_v.variant("greff_niaf", "V without an input activation function: g is linear.", linear="g")
greff_noaf = greff_v.variant("greff_noaf", "V without an output activation function: h = o c.", linear="h")
greff_cifg = greff_v.variant(
    "greff_cifg", "V with coupled input and forget gate: f = 1 - i.", init={"b_i": -1.0}, coupled=True
)
greff_np = greff_v.variant("greff_np", "V without peepholes: the LSTM.", peepholes="")


def recurrence(into: str, f: Node, i: Node, o: Node) -> Node:
    """What a gate takes from all gates of the step before: R_if leads from gate i into gate f."""
    from_f, from_i, from_o = (param(f"R_{gate}{into}", "H", "H") for gate in "fio")
    return f @ from_f + i @ from_i + o @ from_o


@cell(init={"b_f": 1.0}, letters=PAPER)
def greff_fgr(x, h, c, f, i, o):
    """V with full gate recurrence, as in the LSTM of 1997: every gate also sees all gates of the step before.

    The block input sees no gates. Gates start at 0.
    """
    past = {gate: recurrence(gate, f, i, o) for gate in "fio"}
    f = sigmoid(net("f", h, x, c, "fio", False) + past["f"])  # forget gate
    i = sigmoid(net("i", h, x, c, "fio", False) + past["i"])  # input gate
    g = tanh(affine("g", h, x))  # block input
    c = f * c + i * g
    o = sigmoid(net("o", h, x, c, "fio", False) + past["o"])  # output gate, of the new c
    h = o * tanh(c)
    return h, c, f, i, o


plain = greff_np.variant(
    "plain", "The LSTM of Jozefowicz et al., whose biases all start at 0.", init={"b_f": 0.0}
)
lstm_f = plain.variant(
    "lstm_f", "LSTM without a forget gate (Jozefowicz, Zaremba & Sutskever 2015): f = 1.", without="f"
)
lstm_i = plain.variant(
    "lstm_i", "LSTM without an input gate (Jozefowicz, Zaremba & Sutskever 2015): i = 1.", without="i"
)
lstm_o = plain.variant(
    "lstm_o", "LSTM without an output gate (Jozefowicz, Zaremba & Sutskever 2015): o = 1.", without="o"
)
lstm_b = plain.variant(
    "lstm_b",
    "LSTM whose forget gate's bias starts at 1 (Jozefowicz, Zaremba & Sutskever 2015).",
    init={"b_f": 1.0},
)
