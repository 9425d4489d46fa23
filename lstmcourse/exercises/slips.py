"""Tables of mistakes that are written down line by line: `slips` makes cells of them."""

from __future__ import annotations

from collections.abc import Iterable

from ..cell import cell
from ..engine.layers import affine, param, peephole
from ..engine.ops import identity, sigmoid, tanh
from .cells import Mistake

__all__ = ["slips"]

NAMES = {
    "affine": affine,
    "identity": identity,
    "param": param,
    "peephole": peephole,
    "sigmoid": sigmoid,
    "tanh": tanh,
}


def slips(signature: str, lines: str, rows: Iterable[tuple[str, str, str]]) -> tuple[Mistake, ...]:
    """Make each row a cell: a wrong line takes the place of the right one that begins alike.

    Parameters
    ----------
    signature : str
        Of the cell, such as ``"x, h"``.
    lines : str
        The right equations, one a line; the last returns.
    rows : iterable of (str, str, str)
        Name, lines that are written wrongly, with semicolons between them, and message.

    Examples
    --------
    >>> right = '''
    ... h = tanh(affine("h", h, x))
    ... return h
    ... '''
    >>> (one,) = slips("x, h", right, [("no squashing", 'h = affine("h", h, x)', "Look at the squashing.")])
    >>> one.cell
    <cell no squashing: states h; parameters W_h, U_h, b_h>
    """

    def made(name: str, changed: str, message: str) -> Mistake:
        all_lines = lines.strip().split("\n") + changed.split("; ")
        scope = dict(NAMES)
        body = {line.split()[0]: line for line in all_lines}
        exec("\n    ".join([f"def wrong({signature}):", *body.values()]), scope)
        return Mistake(name, cell(scope["wrong"], name=name), message)

    return tuple(made(*row) for row in rows)
