"""Print a graph as a NumPy program for a whole sequence: text made to be read, and to run fast.

`program` takes a graph and the names under which its inputs come, and returns the text with what is needed
to run it. Inside a loop nothing is allocated: every result has storage that was made before. Each block
stands under the equation that it comes from.

Storage, in the order of the rules below:

- a state's values at all steps lie in one array of T + 1 rows: ``c[t]`` is the value before step t,
  ``c[t + 1]`` the one after it (in a loop that runs backwards, the other way round);
- a slice is another name for part of its array; parts that will lie side by side are computed in place;
- so is a turned matrix, unless a loop multiplies by it: then it is laid out once;
- a result that only the next operation reads is computed in that operation's storage;
- what is read outside its loop has a row for each step, all else one row that every step uses again.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..engine.expression import PLAIN, write
from ..engine.graph import Dim, Graph, Node
from ..engine.operands import is_condition
from .passes import Section
from .walk import Program, Storage, Walk, wrap

__all__ = ["Program", "Storage", "program"]


def program(
    graph: Graph,
    name: str,
    *,
    doc: str,
    store: Mapping[str, Node],
    given: Mapping[Node, Storage] | None = None,
    comments: Graph | None = None,
    letters: Mapping[str, str] | None = None,
    gradient: bool = False,
) -> Program:
    """Print one program.

    Parameters
    ----------
    graph : Graph
        What to compute: one step.
    name : str
        Name of the function.
    doc : str
        Its docstring.
    store : mapping of str to Node
        What is wanted at every step, by key of the returned dict.
    given : mapping of Node to Storage, optional
        For a backward program: where the forward program left what `saved` leaves refer to.
    comments : Graph, optional
        The author's graph, whose equations stand above the blocks.
    gradient : bool
        Whether the states are gradients, of which only the last value is wanted.
    """
    return _Printer(graph, store, given or {}, comments or graph, letters or {}, gradient).program(name, doc)


class _Printer(Walk):
    def program(self, name: str, doc: str) -> Program:
        """The whole text."""
        self.leaves()
        for variable, (kind, node, *_) in self.inputs.items():
            if kind == "clock" and "of" in node.attrs:
                text = write(node.attrs["of"], PLAIN, self.letters)
                self.lines.append(f"# {variable} at each step: {text}, which the clock alone decides")
        self.plan()
        for section in self.sections:
            self.loop(section) if section.loop else self.block(section)
        returned = self.finish()
        body = "\n".join(f"    {line}" if line else "" for line in self.lines)
        arguments = ["T", "B", *self.sizes.values(), *self.inputs, "empty"]
        head = wrap(f"def {name}(", arguments, "):")
        text = f'{head}\n    """{doc}"""\n{body}\n    return {{{returned}}}\n'
        return Program(text, name, self.inputs, self.sizes, self.outputs, self.storage)

    def plan(self) -> None:
        """Decide on storage, last node first, so that a result can take over that of its reader."""
        self.home: dict[Node, tuple[str, Node]] = {}  # node -> ("same" | "part", reader)
        self.rows: dict[str, Storage] = {}
        for s in self.graph.states:
            outside = id(s.prev) in self.wanted or any(self._outside(u, s) for u in self.users[s.prev])
            history = not self.gradient or outside
            variable = self.free_name(s.name)
            if history:
                self.storage[s.prev] = Storage(variable, "T+1", 1 if s.reverse else 0)
                self.storage[s.next] = Storage(variable, "T+1", 0 if s.reverse else 1)
            else:
                self.storage[s.prev] = Storage(variable)
                if self._may_overwrite(s):
                    self.storage[s.next] = Storage(variable)
            self.rows[s.name] = self.storage[s.prev]
        self.nexts = {id(s.next) for s in self.graph.states}
        self.histories = {id(s.next) for s in self.graph.states if self.storage[s.prev].time}
        for reader in reversed(self.graph.nodes):
            if reader not in self.where:
                continue
            if reader.op.name == "concat":
                for a in reader.args:
                    if self._only_reader(a, reader) and a.op.name != "concat":
                        self.home[a] = ("part", reader)
            elif reader.op.inplace and (id(reader) not in self.nexts or id(reader) in self.histories):
                for p in reader.op.inplace:
                    a = reader.args[p]
                    if (
                        a.op.kind in ("elementwise", "product", "axis")
                        and self._only_reader(a, reader)
                        and self._same_shape(a, reader)
                    ):
                        self.home[a] = ("same", reader)
                        break

    def _outside(self, user: Node, state) -> bool:
        return self.where.get(user) != self.where.get(state.next)

    def _may_overwrite(self, state) -> bool:
        """Whether the next value may be written over the one before: all others have read it by then."""
        next_ = state.next
        for u in self.users[state.prev]:
            if u is next_:
                if u.op.kind != "elementwise" or any(
                    u.args[k] is state.prev and k not in u.op.inplace for k in range(len(u.args))
                ):
                    return False
            elif self.position[u] > self.position[next_] or u.op.kind == "view":
                return False
        return id(next_) not in self.wanted and not self.users[next_]

    def _only_reader(self, a: Node, reader: Node) -> bool:
        return (
            a in self.where
            and self.where[a] == self.where[reader]
            and len(self.users[a]) == 1
            and a not in self.home
            and a not in self.storage
            and id(a) not in self.wanted
            and id(a) not in self.nexts  # it is handed on at the end of the step
            and a.op.kind not in ("leaf", "view", "reduction")
            and a.timed == reader.timed
        )

    @staticmethod
    def _same_shape(a: Node, b: Node) -> bool:
        return (
            a.shape == b.shape
            and a.batched == b.batched
            and a.timed == b.timed
            and is_condition(a) == is_condition(b)
        )

    def store_of(self, node: Node, before: list[str]) -> Storage:
        """The node's storage; lines that make it go to `before`."""
        if node in self.storage:
            return self.storage[node]
        if node.op.kind == "view":
            at = self.store_of(node.args[0], before)
            name = self.free_name(self.suggested(node))
            if self._laid_out(node):
                before.append(f"{name} = {self.empty(node, '')}")
                before.append(f"{name}[...] = {self.text(node, [at.variable])}")
            else:
                before.append(f"{name} = {self.text(node, [at.variable])}")
            self.storage[node] = Storage(name, at.time, at.shift)
        elif node in self.home:
            how, reader = self.home[node]
            at = self.store_of(reader, before)
            if how == "same":
                self.storage[node] = at
            else:
                name = self.free_name(self.suggested(node))
                start = Dim()
                for a in reader.args:
                    if a is node:
                        break
                    start = start + a.shape[reader.attrs["axis"]]
                stop = start + node.shape[reader.attrs["axis"]]
                rest = ", :" * (-reader.attrs["axis"] - 1)
                before.append(f"{name} = {at.variable}[..., {self._range(start, stop)}{rest}]")
                self.storage[node] = Storage(name, at.time, at.shift)
        else:
            name = self.free_name(self.suggested(node))
            row = node in self.needs_row
            before.append(f"{name} = {self.empty(node, 'T' if row else '')}")
            self.storage[node] = Storage(name, "T" if row else "")
        return self.storage[node]

    def _laid_out(self, node: Node) -> bool:
        """Whether a turned matrix is copied, as a loop multiplies by it: a product of rows is faster."""
        loops = {k for k, section in enumerate(self.sections) if section.loop}
        return (
            node.op.name == "swap"
            and not (node.timed or node.batched or self.where[node] in loops)
            and any(
                u.op.name == "dot" and u.args[1] is node and self.where[u] in loops for u in self.users[node]
            )
        )

    def _range(self, start: Dim, stop: Dim) -> str:
        return f"{self.size(start) if start != Dim() else ''}:{self.size(stop)}"

    def empty(self, node: Node, time: str) -> str:
        """Allocation of a node's storage."""
        axes = [time] if time else []
        if node.batched or node.timed:
            axes.append("B" if node.batched else "1")
        axes += [self.size(d) for d in node.shape]
        kind = ", dtype=bool" if is_condition(node) else ""
        return f"empty({', '.join(axes)}{kind})"

    # statements

    def text(self, node: Node, args: list[str], out: str = "") -> str:
        """One operation as text."""
        shown = {}
        for k, v in node.attrs.items():
            if f"{{{k}}}" not in node.op.numpy:
                continue  # a size that no text shows is no argument of the program
            if isinstance(v, Dim):
                shown[k] = self.size(v)
            elif isinstance(v, tuple):
                shown[k] = "(" + "".join(self.size(d) + ", " for d in v).rstrip() + ")"
            else:
                shown[k] = v
        if node.op.name == "slice":
            shown["rest"] = ", :" * (-node.attrs["axis"] - 1)
            if node.attrs["start"] == Dim():
                shown["start"] = ""
        return node.op.numpy.format(
            *args, out=out, args=", ".join(args) + ("," if len(args) == 1 else ""), **shown
        )

    def statement(self, node: Node, before: list[str], loop: bool) -> list[str]:
        """The lines that compute a node into its storage."""
        if node.op.kind == "view":
            self.store_of(node, before)
            return []
        at = self.store_of(node, before)
        out = at.at(loop)
        if node.op.name == "concat":
            return self._side_by_side(node, out, loop)
        args = [self.ref(a, loop) for a in node.args]
        if node.op.kind == "reduction" and loop:
            before.append(f"{at.variable}[...] = 0")
            if node.op.name == "over_time":
                return [f"np.add({out}, {args[0]}, out={out})"]
            part = self.free_name(f"{at.variable}_t")
            before.append(f"{part} = {self.empty(node, '')}")
            return [self.text(node, args, part), f"np.add({out}, {part}, out={out})"]
        return [self.text(node, args, out)]

    def _side_by_side(self, node: Node, out: str, loop: bool) -> list[str]:
        """Copy the parts of a concatenation that were not computed in their places."""
        axis, inside = node.attrs["axis"], [self.home.get(a, ("", None))[1] is node for a in node.args]
        if not (node.timed or node.batched or any(inside)):
            parts = [self.ref(a, loop) for a in node.args]
            return [wrap("np.concatenate((", parts, f"), axis={axis}, out={out})")]
        lines, start = [], Dim()
        for a, there in zip(node.args, inside, strict=True):
            stop = start + a.shape[axis]
            if not there:
                rest = ", :" * (-axis - 1)
                lines.append(f"{out}[..., {self._range(start, stop)}{rest}] = {self.ref(a, loop)}")
            start = stop
        return lines

    def ref(self, node: Node, loop: bool) -> str:
        """How a statement reads a node."""
        if node.op.name == "carried":
            state = next(s for s in self.graph.states if s.name == node.attrs["state"])
            at = self.rows[state.name]
            if not at.time:
                return at.variable
            return f"{at.variable}[0]" if state.reverse else f"{at.variable}[T]"
        return self.storage[node].at(loop)

    def _grouped(self, nodes: list[Node], before: list[str] | None, loop: bool) -> list[str]:
        """Statements, with a comment wherever another equation begins."""
        lines, last, said = [], None, set()
        for node in nodes:
            ahead: list[str] = [] if before is None else before
            made = self.statement(node, ahead, loop)
            if made and node.origin and node.origin != last:
                lines += self.comment(node, said, loop)
                last = node.origin
            lines += (ahead if before is None else []) + made
        return lines

    def block(self, section: Section) -> None:
        """Statements for all steps at once, and those done once."""
        if not section.nodes:
            return
        once = not any(n.timed or any(a.timed for a in n.args) for n in section.nodes)
        title = "once" if once else "for all steps at once"
        if section.level:
            title += ", after the loop"
        self.lines += ["", f"# --- {title} ---", *self._grouped(section.nodes, None, False)]

    def loop(self, section: Section) -> None:
        """One loop through time."""
        states = [
            s
            for s in self.graph.states
            if self.where.get(s.next) is not None and self.sections[self.where[s.next]] is section
        ]
        before: list[str] = []
        for s in states:
            at = self.rows[s.name]
            axes = (["T + 1"] if at.time else []) + ["B"] + [self.size(d) for d in s.prev.shape]
            before.append(f"{at.variable} = empty({', '.join(axes)})")
            start = "" if not at.time else ("[T]" if s.reverse else "[0]")
            where = f"{at.variable}{start}" if start else f"{at.variable}[...]"
            before.append(f"{where} = {self.ref(s.start, False)}")
        body = self._grouped(section.nodes, before, True)
        for s in states:
            if not self.rows[s.name].time and self.storage[s.next] != self.rows[s.name]:
                body.append(f"{self.rows[s.name].variable}[...] = {self.ref(s.next, True)}")
        self.lines += ["", "# --- storage for the loop ---", *before, ""]
        self.lines.append("for t in reversed(range(T)):" if section.reverse else "for t in range(T):")
        self.lines += [f"    {line}" for line in (body or ["pass"])]

    def finish(self) -> str:
        """The returned dict."""
        self.outputs: dict[str, object] = {}
        items = []
        for s in self.graph.states:
            if not self.gradient:
                variable = self.rows[s.name].variable
                self.outputs[variable] = ("state", s.name)
                items.append(f'"{variable}": {variable}')
        for key, node in self.store.items():
            text = self.ref(node, False)
            if not self.gradient:
                key = text = self.storage[node].variable
                if key in self.outputs:
                    continue
            items.append(f'"{key}": {text}')
            self.outputs[key] = node
        return wrap("", items, "", indent=8) if items else ""
