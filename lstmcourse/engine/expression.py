"""The walk from nodes to an equation: which names stand, where brackets go.

Syntax is data: a `Syntax` for each language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

from .graph import Dim, Graph, Node, State

__all__ = [
    "PLAIN",
    "Syntax",
    "equation_of",
    "equations",
    "links",
    "log_sigmoid",
    "operations",
    "products",
    "unaccented",
    "write",
    "written_size",
]


@dataclass(frozen=True)
class Syntax:
    """How a language writes names, operations and brackets.

    `along` makes of an operation's text the one for an axis other than the last.

    `mark` is given the text of each part of an operation, the operation, and which part it is: the number of
    the argument, or -1 - j for the j-th product of an affine layer; it returns the text, marked or not.
    The matrix of such a product is not a part.
    """

    formats: Mapping[str, str]
    default: Callable[[Node], str]
    along: Callable[[str, int], str]
    name: Callable[[Node, str, Mapping[str, str]], str]
    bracket: str = "({0})"
    join: str = ", "
    plus: str = " + "
    product: str = "{0} {1}"
    equals: str = "{0} = {1}"
    precedence: Mapping[str, int] = field(default_factory=dict)
    mark: Callable[[str, Node, int], str] = lambda text, node, k: text


def write(node: Node, syntax: Syntax, letters: Mapping[str, str], top: bool = True) -> str:
    """A node as text: its name where it has one (unless it is what is being written), else its operation."""
    if node.op.kind == "leaf" or (node.name and not top):
        return syntax.name(node, _when(node), letters)
    if node.op.name == "affine":
        k = node.attrs["terms"]
        terms = []
        for j in products(node):
            operand = syntax.mark(_inner(node.args[2 * j], syntax, letters, 25), node, 2 * j)
            matrix = write(node.args[2 * j + 1], syntax, letters, False)
            terms.append(syntax.mark(syntax.product.format(operand, matrix), node, -1 - j))
        terms += [
            syntax.mark(write(a, syntax, letters, False), node, 2 * k + n)
            for n, a in enumerate(node.args[2 * k :])
        ]
        return syntax.plus.join(terms)
    if node.op.name in SHOWS:
        return syntax.mark(write(node.args[0], syntax, letters, False), node, 0)
    inner = log_sigmoid(node)
    if inner is not None:
        return syntax.formats["log_sigmoid"].format(write(inner, syntax, letters, False))
    form = syntax.formats.get(node.op.name, syntax.default(node))
    if node.attrs.get("axis", -1) != -1 and node.op.name != "slice":
        form = syntax.along(form, node.attrs["axis"])
    if node.op.name == "mul" and any(a.op.name == "const" and not a.shape for a in node.args):
        form = syntax.product
    call = form.rstrip().endswith(")")
    mine = syntax.precedence.get(node.op.name, node.op.precedence)
    power = node.op.name in ("square", "swap")
    parts = []
    for k, a in enumerate(node.args):
        least = 0 if call else mine + (k > 0 and node.op.name in ("sub", "div")) + (node.op.name in ALONE)
        part = _inner(a, syntax, letters, 91 if power else least)
        negative = k and part.startswith("-") and not call and mine < 100  # a - (-b), a + (-1)
        if negative or (power and a.name and "^" in part):  # what has a scope above it already
            part = syntax.bracket.format(part)
        parts.append(syntax.mark(part, node, k))
    return form.format(
        *parts, args=syntax.join.join(parts), part=_part(node) if node.op.name == "slice" else ""
    )


SHOWS = ("expand", "spread", "reshape", "stop", "copy")
"""What an equation does not show: it is written as its argument is."""

ALONE = {"mod", "opposite", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
"""Operations that stand in brackets inside one another: ``not (a and b)``, ``(a mod b) mod c``."""


def _part(node: Node) -> str:
    """Which part of an axis a slice is: ``0:H``, or ``H:2 H, :`` of the last axis but one."""
    bounds = (str(node.attrs[k]).replace(" * ", " ") for k in ("start", "stop"))
    return ":".join(bounds) + ", :" * (-node.attrs["axis"] - 1)


def log_sigmoid(node: Node) -> Node | None:
    """The a of ``-softplus(-a)``, which is how the logarithm of σ(a) is computed; None for anything else.

    before: -softplus(-a)
    after:  log σ(a)
    """
    for name in ("neg", "softplus"):
        if node.op.name != name or (node.args[0].name and node.args[0].op.kind != "leaf"):
            return None
        node = node.args[0]
    return node.args[0] if node.op.name == "neg" else None


def unaccented(letter: str) -> str:
    r"""A letter without its accent, ``C`` for ``\tilde{C}``: layers are called after what they compute."""
    return letter[7:-1] if letter.startswith(r"\tilde{") else letter


def products(node: Node) -> list[int]:
    """The numbers of an affine layer's products in the order in which they are written: U, W, others."""
    letters = [node.args[2 * j + 1].name.rpartition(".")[2][:1] for j in range(node.attrs["terms"])]
    return sorted(range(len(letters)), key=lambda j: (letters[j] != "U", letters[j] != "W"))


def _inner(node: Node, syntax: Syntax, letters: Mapping[str, str], least: int) -> str:
    text = write(node, syntax, letters, False)
    while not node.name and node.op.name in SHOWS:  # what is written decides
        node = node.args[0]
    bare = node.name or node.op.kind == "leaf"
    mine = syntax.precedence.get(node.op.name, node.op.precedence)
    return text if bare or mine >= least else syntax.bracket.format(text)


def _when(node: Node) -> str:
    """The time index: "" (none), "t", "t-1", or "t+1" for a state that runs backwards."""
    if node.op.name == "clock":
        return ""
    if node.op.name == "prev":
        return "t+1" if node.attrs.get("reverse") else "t-1"
    return "t" if node.timed else ""


def equations(graph: Graph) -> dict[str, Node]:
    """The author's equations, in order: named nodes that are not leaves, then unnamed results of states."""
    found = {n.name: n for n in graph.nodes if n.name and n.op.kind != "leaf"}
    for s in graph.states:
        if s.next is not None and not s.next.name and s.next.op.kind != "leaf":
            found[s.name] = s.next
    return found


def links(graph: Graph) -> dict[str, State]:
    """States whose next value goes by another name: h for ``enc.h`` of a nested cell, or for ``h_new``."""
    return {s.name: s for s in graph.states if s.next is not None and s.next.name not in ("", s.name)}


def operations(node: Node) -> list[Node]:
    """The operations of one equation, arguments first; named ones and leaves end it."""
    found: dict[Node, None] = {}
    stack = [(node, False)]
    while stack:
        at, ready = stack.pop()
        if ready:
            found[at] = None
        elif at not in found:
            inner = [a for a in at.args if not a.name and a.op.kind != "leaf" and a not in found]
            stack += [(at, True), *((a, False) for a in inner)]
    return list(found)


def written_size(node: Node) -> int:
    """How many operations an equation has when it is written out, what is used twice counted twice."""
    size: dict[Node, int] = {}
    for n in operations(node):
        size[n] = 1 + sum(size.get(a, 0) for a in n.args)
    return size[node]


def equation_of(name: str, node: Node, syntax: Syntax, letters: Mapping[str, str]) -> tuple[str, str]:
    """Left and right side of one equation; what has no name is a state's next value, and called after it."""
    called = node if node.name else SimpleNamespace(name=name, op=node.op)
    left = syntax.name(called, "t" if node.timed else "", letters)
    return left, write(node, syntax, letters)


def _plain_name(node: Node, when: str, letters: Mapping[str, str]) -> str:
    if node.op.name == "const":
        value = node.attrs["value"]
        if isinstance(value, bool | Dim):
            return str(value)
        if isinstance(value, int | float):
            return f"{value:g}"
        return "[" + " ".join(f"{v:g}" for v in value.ravel()[:4]) + (" ...]" if value.size > 4 else "]")
    return node.name + {"": "", "t": "_t"}.get(when, f"_{{{when}}}")


PLAIN = Syntax(
    formats={
        "add": "{0} + {1}",
        "sub": "{0} - {1}",
        "mul": "{0} * {1}",
        "div": "{0} / {1}",
        "neg": "-{0}",
        "square": "{0}^2",
        "mod": "{0} mod {1}",
        "dot": "{0} {1}",
        "swap": "{0}^T",
        "slice": "{0}[{part}]",
        "concat": "[{args}]",
        "less": "{0} < {1}",
        "less_equal": "{0} <= {1}",
        "greater": "{0} > {1}",
        "greater_equal": "{0} >= {1}",
        "equal": "{0} = {1}",
        "not_equal": "{0} != {1}",
        "both": "{0} and {1}",
        "either": "{0} or {1}",
        "opposite": "not {0}",
        "log_sigmoid": "log sigmoid({0})",
    },
    default=lambda node: f"{node.op.name}({{args}})",
    along=lambda form, axis: (
        f"concat({{args}}, axis={axis})" if form[0] == "[" else f"{form[:-1]}, axis={axis})"
    ),
    name=_plain_name,
    precedence={"sum": 100},
)
"""Text for consoles, in ASCII: every encoding has it."""

DRAWN = replace(PLAIN, formats={**PLAIN.formats, "sigmoid": "σ({0})", "log_sigmoid": "log σ({0})"})
"""The same for pictures and pages."""
