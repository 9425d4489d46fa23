"""Print a graph as loops over single numbers, for a compiler: the same program as NumPy's, fused.

Each section of the schedule becomes a function: what is done once, what is done for all steps at once, a loop
through time. In it, products stay calls; all element-wise work between two products that has the same extent
becomes one loop, in which a value that nobody else reads is a local variable and never touches memory:

    for row in range(first, last):
        ...
        for k in range(H):
            f_k = sigmoid(a_f[k])
            ...
            c_k = f_k * c_row[k] + i_k * g_k

What differs from the NumPy printer, in the order of the rules below:

- element-wise work that all steps could share waits for the loop if only the loop reads it;
- a loop that is one element-wise nest takes in what leads to it and follows it element by element;
- a sum along an axis is made in the nest that makes its terms;
- a sum with a product is accumulated by the product, if possible in the storage of the other summand;
- element-wise work is done as late as it can be, so that more of it is fused;
- a matrix by which a loop multiplies at every step is brought into the order of tiles ahead of it;
- storage is an address; an index is worked out from the strides of each variable;
- a step that is long is divided into functions, which the loop calls in order.

`first` and `last` bound the sequences that a loop handles, or the rows of a product that a function outside
loops makes: parts of a batch, or of a product, can be handled by several threads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from ..engine.graph import Graph, Node
from ..programs.passes import Section
from ..programs.walk import RESERVED, Storage, Walk
from .calls import Calls, Statements
from .elementwise import Elementwise
from .loops import Loops
from .memory import Memory
from .order import Group, Order, wait_for_loops
from .program import CompiledProgram, Function
from .sizes import ZERO, Poly, count

__all__ = ["compiled"]

IMPORTS = (
    "add_rows begun_product copy_rows exp lay_tiles logsumexp loose maximum minimum plus pointer product "
    "relu remainder select sigmoid softmax softplus sum_along tanh tiled_product zero_rows"
).split()

LONG = 80
"""Lines of a loop's step from which its parts are functions, compiled one by one: a compiler takes more than
twice as long for twice as much."""

LASTING = ("param", "const", "table", "static")
"""Leaves that stay as they are while a cell goes on step by step."""

ELEMENT = 16
"""Multiplications in a product that take as long as an element-wise operation on one number, roughly."""

WORDS = {*RESERVED, *IMPORTS, "F", "math", "kernels", "sizes", "at", "first", "last", "row", "k", "njit"}
WORDS |= {f"k{n}" for n in range(1, 9)}


def compiled(
    graph: Graph,
    name: str,
    *,
    doc: str,
    store: Mapping[str, Node],
    given: Mapping[Node, Storage] | None = None,
    comments: Graph | None = None,
    gradient: bool = False,
) -> CompiledProgram:
    """Print one program for the compiler; the arguments are those of `programs.numpy.program`.

    Raises
    ------
    NotCompiled
        The graph holds what cannot be printed in this way.
    """
    return _Printer(graph, store, given or {}, comments or graph, {}, gradient).program(name, doc)


class _Printer(Walk):
    reserved = WORDS

    def scheduled(self) -> list[Section]:
        """The parts of the program."""
        return wait_for_loops(self, super().scheduled())

    def program(self, name: str, doc: str) -> CompiledProgram:
        """The whole text."""
        self.leaves()
        self.order = Order(self)
        self.memory = Memory(self, self.order)
        self.packed: dict[tuple, str] = {}
        self.equal: set[tuple[Poly, Poly]] = set()
        made: dict[Function, list[str]] = {}
        computed: dict[str, list[Node]] = {}
        for k, section in enumerate(self.sections):
            loops = Loops(self.free_name, section.loop)
            calls = Calls(self, self.order, self.memory, loops, self.packed)
            pieces = (
                [self.loop(section, k, calls, name)] if section.loop else self.statements(section, k, calls)
            )
            if calls.packing:
                packed = self._free(f"{name}_tiles", made)
                made[Function(packed)], computed[packed] = calls.packing, calls.factors
            for piece in (piece for piece in pieces if piece.lines):
                made |= {Function(part, step=True): lines for part, lines in piece.parts.items()}
                called = self._free(f"{name}_{self._kind(section, piece)}", made)
                made[Function(called, section.loop, False, piece.rows, piece.work)] = piece.lines
                computed[called] = piece.nodes
            self.equal |= loops.equal
        results, outputs = self.memory.results()
        functions = [self._function(f, body, doc) for f, body in made.items()]
        text = "\n\n\n".join(functions) + "\n"
        variables = [*self.memory.expected, *self.memory.buffers]
        for k, variable in enumerate(variables):
            text = text.replace(f"pointer(at, <{variable}>,", f"pointer(at, {k},")
        names = ["T", "B", *self.sizes.values()]
        for k, size in enumerate(names):
            text = text.replace(f"sizes[<{size}>]", f"sizes[{k}]")
        return CompiledProgram(
            text, name, self.inputs, self.sizes, outputs, self.storage,
            [f for f in made if not f.step], variables, self.memory.expected, self.memory.buffers, results,
            self.equal, self._lasting(computed, {view.variable for view in results.values()}),
        )  # fmt: skip

    def _lasting(self, computed: Mapping[str, list[Node]], returned: set[str]) -> set[str]:
        """Functions of parameters and static inputs alone, to whose memory no other function writes."""
        same: set[Node] = set()
        for n in self.graph.nodes:
            if n.op.name in LASTING if n.op.kind == "leaf" else same.issuperset(n.args):
                same.add(n)
        refs = self.memory.refs
        others = returned | {ref.variable for n, ref in refs.items() if n not in same}
        return {
            name
            for name, nodes in computed.items()
            if nodes
            and same.issuperset(nodes)
            and others.isdisjoint(refs[n].variable for n in nodes if n in refs)
        }

    @staticmethod
    def _kind(section: Section, piece: Statements) -> str:
        """What a function does, for its name."""
        if section.loop:
            return "loop"
        if piece.rows is not None:
            return "product"
        once = not any(n.timed or any(a.timed for a in n.args) for n in section.nodes)
        return "once" if once else "all_steps"

    @staticmethod
    def _free(wanted: str, made: Mapping[Function, list[str]]) -> str:
        """A name for a function, with a number if it is taken."""
        called, k = wanted, 2
        while called in {f.name for f in made}:
            called, k = f"{wanted}_{k}", k + 1
        return called

    def _function(self, function: Function, body: list[str], doc: str) -> str:
        """A function around its statements, which says first where things are."""
        words = set(
            re.findall(r"[^\W\d]\w*", "\n".join(line for line in body if not line.lstrip().startswith("#")))
        )
        variables = [v for v in (*self.memory.expected, *self.memory.buffers) if v in words]
        written = {v for v in variables if v in self.memory.buffers}
        scope = {
            v: (k if v in written else 0) for k, v in enumerate([v for v in variables if v in written], 1)
        }
        lines = [f'"""{doc}"""'] if function.loop else []
        for size in ["T", "B", *self.sizes.values()]:
            if size in words:
                lines.append(f"{size} = sizes[<{size}>]")
        for v in variables:
            buffer = self.memory.expected.get(v) or self.memory.buffers[v]
            kind = "np.bool_" if buffer.boolean else "F"
            lines.append(f"{v} = pointer(at, <{v}>, {kind}, {scope.get(v, 0)}, {len(written) + 1})")
        text = "\n".join(f"    {line}" if line else "" for line in [*lines, *body])
        return f"def {function.name}(sizes, at, {'t, ' * function.step}first, last):\n{text}"

    def statements(self, section: Section, k: int, calls: Calls) -> list[Statements]:
        """The work of a section under its equations; what threads can share is a piece of its own."""
        elementwise = Elementwise(self, self.memory, calls.loops)
        pieces, last, said = [Statements()], None, set()
        for step in self.order.steps[k]:
            if isinstance(step, Group):
                nodes = [*step.nodes, *step.sums]
                work = count(self.memory.shape(nodes[0])) * (len(nodes) * ELEMENT)
                made = Statements(elementwise.fused(step.nodes, step.sums), work=work)
            else:
                nodes, made = [step], calls.statements(step)
            comments = []
            if made.lines:
                for n in nodes:
                    if n.origin and n.origin != last:
                        comments += self.comment(n, said, section.loop)
                        last = n.origin
            made.lines = comments + made.lines
            if made.rows is None or made.first:
                pieces[-1].nodes += nodes
            if made.rows is None:
                pieces[-1].cuts.append(len(pieces[-1].lines))
                pieces[-1].lines += made.lines
                pieces[-1].ahead += made.ahead
                pieces[-1].work += made.work if section.loop else ZERO
            else:
                made.nodes = nodes
                pieces[-1].lines += made.first
                pieces += [made, Statements()]
        return pieces

    def loop(self, section: Section, k: int, calls: Calls, name: str) -> Statements:
        """One loop through time; if its step is long, its parts are functions."""
        states = [s for s in self.graph.states if self.where.get(s.next) == k]
        rows, before = self.memory.rows, []
        for s in states:
            at = rows[s.name]
            if at.time is not None:  # the row before the first step
                at = replace(at, time=None, offset=at.time * "T" if s.reverse else ZERO)
            before += calls.copy(at, s.start, s.prev)
        (step,) = self.statements(section, k, calls)
        for s in states:
            if rows[s.name].time is None and self.memory.ref(s.next) != rows[s.name]:
                step.cuts.append(len(step.lines))
                step.lines += calls.copy(rows[s.name], s.next, s.prev)
        head = "for t in range(T - 1, -1, -1):" if section.reverse else "for t in range(T):"
        parts = {}
        if len(step.lines) > LONG:
            parts = {self.free_name(f"{name}_step"): lines for lines in divided(step.lines, step.cuts)}
            step.lines = [f"{part}(sizes, at, t, first, last)" for part in parts]
        body = [f"    {line}" if line else "" for line in (step.lines or ["pass"])]
        steps = [n for s in self.order.steps[k] for n in (s.nodes if isinstance(s, Group) else [s])]
        shared = all(n.batched for n in steps)
        return Statements(
            [*before, *step.ahead, head, *body],
            Poly.of("B") if shared else None,
            step.work * "T" * "B",
            parts=parts,
        )


def divided(lines: list[str], cuts: list[int]) -> list[list[str]]:
    """Parts of about the same length, LONG at most where the cuts allow it."""
    count = -(-len(lines) // LONG)
    wanted = [len(lines) * k / count for k in range(1, count)]
    bounds = sorted({0, len(lines), *(min(cuts, key=lambda cut: abs(cut - at)) for at in wanted)})
    return [lines[a:b] for a, b in pairwise(bounds)]
