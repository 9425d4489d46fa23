"""One loop for element-wise work, as text: what nobody else reads is a local variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..engine.graph import Node
from ..engine.operands import is_condition
from ..programs.walk import Walk
from .loops import Loops
from .memory import Memory, Ref
from .program import NotCompiled
from .sizes import ONE, ZERO

__all__ = ["Elementwise"]

INFIX = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
    "square": "{0} * {0}", "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}", "both": "{0} & {1}",
    "either": "{0} | {1}", "opposite": "not {0}",
}  # fmt: skip
CALLS = {
    "sqrt": "math.sqrt({0})", "exp": "exp({0})", "log": "math.log({0})", "sin": "math.sin({0})",
    "cos": "math.cos({0})", "tanh": "tanh({0})", "sigmoid": "sigmoid({0})", "relu": "relu({0})",
    "softplus": "softplus({0})", "maximum": "maximum({0}, {1})", "minimum": "minimum({0}, {1})",
    "where": "select({0}, {1}, {2})", "mod": "remainder({0}, {1})", "stop": "{0}", "copy": "{0}",
    "spread": "{0}",
}  # fmt: skip


class Elementwise:
    """Writes groups of element-wise nodes in one section of a program."""

    def __init__(self, walk: Walk, memory: Memory, loops: Loops):
        self.walk, self.memory, self.loops = walk, memory, loops

    def fused(self, nodes: list[Node], sums: Sequence[Node] = ()) -> list[str]:
        """One loop for element-wise nodes of one extent, and for sums of them along an axis."""
        members = {*nodes, *sums}
        kept = [n for n in nodes if self._is_stored(n, members)]
        outs = {n: self.memory.ref(n) for n in kept}
        totals = {n: self._spread(n) for n in sums}
        held = {n: self.walk.free_name(f"{self.walk.suggested(n)}_k") for n in sums if self._in_register(n)}
        written = {r.variable for r in outs.values()}
        memory: dict[Node, Ref] = {}
        for n in nodes:
            for a in n.args:
                if a not in members and self.memory.number(a) is None and a not in memory:
                    memory[a] = self.memory.ref(a)
        first = nodes[0]
        axes = self.loops.axes(first.batched, first.timed, self.memory.shape(first))
        refs = [*memory.values(), *outs.values(), *totals.values()]
        zeros: list[str] = []
        for n in sums:
            if n not in held:
                out = self.memory.ref(n)
                zeros += self.loops.zero(self.loops.axes(n.batched, n.timed, out.shape), out)

        def around(texts: list[str]) -> tuple[list[str], list[str]]:
            at = dict(zip(totals, texts[len(refs) - len(totals) :], strict=True))
            return [f"{v} = F(0.0)" for v in held.values()], [f"{at[n]} = {v}" for n, v in held.items()]

        def body(texts: list[str], _places: list[str]) -> list[str]:
            lines: list[str] = []
            text: dict[Node, str] = {}
            for (a, ref), t in zip(memory.items(), texts, strict=False):
                text[a] = t
                if ref.variable in written and ref.time is None and any(r == ref for r in outs.values()):
                    text[a] = self.walk.free_name(f"{ref.label}_before")  # it is about to be overwritten
                    lines.append(f"{text[a]} = {t}")
            boolean = {n: is_condition(n) for n in nodes}
            for n in nodes:
                args = []
                for a in n.args:
                    value = text[a] if a in text else self.memory.number(a)
                    args.append(self._typed(n, a, value, boolean))
                form = INFIX.get(n.op.name) or CALLS.get(n.op.name)
                if form is None:
                    raise NotCompiled(f"{n.op.name} is not known to the compiled back-end")
                if n.op.name == "square" and not args[0].isidentifier():
                    name = self.walk.free_name(f"{self.walk.suggested(n.args[0])}_k")
                    lines.append(f"{name} = {args[0]}")
                    args[0] = name
                made = form.format(*args)
                once = len(self.walk.users[n]) == 1
                if once and n not in outs and not n.name and len(made) < 72:
                    text[n] = f"({made})" if n.op.name in INFIX else made
                else:
                    name = self.walk.free_name(f"{self.walk.suggested(n)}_k")
                    lines.append(f"{name} = {made}")
                    text[n] = name
            at = dict(zip([*outs, *totals], texts[len(memory) :], strict=True))
            for n, place in ((n, at[n]) for n in outs):
                value = text[n]
                if boolean[n] and not outs[n].boolean:
                    value = f"F({value})"
                lines.append(f"{place} = {value}")
            for n in totals:
                value = f"F({text[n.args[0]]})" if boolean[n.args[0]] else text[n.args[0]]
                total = held.get(n, at[n])
                lines.append(f"{total} = plus({total}, {value})")
            return lines

        return zeros + self.loops.nest(axes, refs, body, around=around)

    def _in_register(self, total: Node) -> bool:
        """Whether a sum goes along the innermost loop."""
        return total.attrs["axis"] == -1 and self.memory.shape(total.args[0])[-1] != ONE

    def _spread(self, total: Node) -> Ref:
        """Where a sum is, with the axis along which it is one and the same."""
        out = self.memory.ref(total)
        at = len(total.args[0].shape) + total.attrs["axis"]
        return replace(
            out,
            shape=(*out.shape[:at], ONE, *out.shape[at:]),
            strides=(*out.strides[:at], ZERO, *out.strides[at:]),
        )

    def _typed(self, node: Node, arg: Node, text: str, boolean: Mapping[Node, bool]) -> str:
        """An argument as what the operation wants: a truth value, or a number."""
        if arg in boolean:
            is_bool = boolean[arg]
        elif self.memory.number(arg) is not None:
            is_bool = text in ("True", "False")
        else:
            is_bool = self.memory.ref(arg).boolean
        decides = node.op.name in ("both", "either", "opposite") or (
            node.op.name == "where" and arg is node.args[0]
        )
        hands_on = node.op.name in ("where", "copy", "stop", "spread") and is_condition(node)
        if decides and not is_bool:
            return f"({text} != F(0.0))"
        if hands_on and not is_bool:
            return f"({text} != F(0.0))"
        if not decides and not hands_on and is_bool:
            return f"F({text})"
        return text

    def _is_stored(self, node: Node, members: set[Node]) -> bool:
        if (
            id(node) in self.walk.wanted
            or node in self.memory.home
            or any(s.next is node for s in self.walk.graph.states)
        ):
            return True
        starts = any(s.start is node for s in self.walk.graph.states)
        return starts or any(u not in members for u in self.walk.users[node])
