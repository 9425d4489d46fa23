"""The gated recurrent unit and its conventions (Cho et al. 2014), and the three cells that a search found."""

from ..cell import cell
from ..engine.graph import Node
from ..engine.layers import affine, param
from ..engine.ops import sigmoid, tanh
from .options import one_of

PAPER = {"g": r"\tilde{h}"}


@cell(letters=PAPER)
def gru(x, h, z_is="new", reset="before"):
    """Gated recurrent unit (Cho et al. 2014), with biases, which the paper does not print.

    `z_is` says of which state z is the share: "new", as in the essay, or "old", as in Cho et al. and in most
    libraries. `reset` says where r multiplies: "before" the matrix product, as in the final version of the
    paper, or "after" it, as in its first version, in cuDNN and in PyTorch, with a second bias b_hg.
    """
    z = sigmoid(affine("z", h, x))  # update gate
    r = sigmoid(affine("r", h, x))  # reset gate
    if one_of("reset", reset, ("before", "after")) == "before":
        g = tanh(affine("g", r * h, x))  # candidate
    else:
        g = tanh(affine("g", W=x) + r * (h @ param("U_g", "H", "H") + param("b_hg", "H")))  # candidate
    if one_of("z_is", z_is, ("new", "old")) == "new":
        h = (1.0 - z) * h + z * g
    else:
        h = z * h + (1.0 - z) * g
    return h


gru_cho = gru.variant(
    "gru_cho", "GRU as Cho et al. (2014) print it: z is the share of the old state.", z_is="old"
)
gru_reset_after = gru_cho.variant(
    "gru_reset_after",
    "GRU as in cuDNN and PyTorch: r multiplies after the product, z is the share of the old state.",
    reset="after",
)


def at_width(x: Node, project: str) -> Node:
    """The input at the width of the hidden state, which it is added to: by a projection, unless D = H."""
    if one_of("project", project, ("learned", "fixed", "none")) == "none":
        return x
    return x @ param("P", "D", "H", init="signs" if project == "fixed" else None, fixed=project == "fixed")


@cell(letters=PAPER)
def mut1(x, h, project="learned"):
    """MUT1 (Jozefowicz, Zaremba & Sutskever 2015): the update gate sees no h, the candidate tanh(x).

    The paper's x is as wide as h. Elsewhere it is brought to that width by P, which is learned, or with
    ``project="fixed"`` random signs that are stored and not trained; with ``project="none"`` D must be H.
    """
    z = sigmoid(affine("z", W=x))  # update gate
    r = sigmoid(affine("r", h, x))  # reset gate
    g = tanh(affine("g", U=r * h) + tanh(at_width(x, project)))  # candidate
    h = z * g + (1.0 - z) * h
    return h


@cell(letters=PAPER)
def mut2(x, h, project="learned"):
    """MUT2 (Jozefowicz, Zaremba & Sutskever 2015): x enters the reset gate as it is.

    `project` as in MUT1.
    """
    z = sigmoid(affine("z", h, x))  # update gate
    r = sigmoid(affine("r", U=h) + at_width(x, project))  # reset gate
    g = tanh(affine("g", r * h, x))  # candidate
    h = z * g + (1.0 - z) * h
    return h


@cell(letters=PAPER)
def mut3(x, h):
    """MUT3 (Jozefowicz, Zaremba & Sutskever 2015): the update gate sees tanh(h)."""
    z = sigmoid(affine("z", tanh(h), x))  # update gate
    r = sigmoid(affine("r", h, x))  # reset gate
    g = tanh(affine("g", r * h, x))  # candidate
    h = z * g + (1.0 - z) * h
    return h
