"""Print a cell as a JavaScript module: its equations at every step, and their gradients, for any page.

`module` gives the text of an ES module that needs nothing else. It exports ``run(given)``, every state,
output and named equation at every step, and ``backward(given, grads, final = {})``, the gradients of all
that was given, by the names of `lstmcourse.unroll`. An array is ``{shape, data}``, its data a Float64Array.

Unlike the other printers this one changes nothing for speed: an equation is one line, under itself, and all
loops of one level are one. What the lines call stands in `arithmetic.js`; a primitive that works on one
element after the other is a row of `ELEMENTWISE`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..engine.autodiff import backward, gradient_name
from ..engine.definition import Definition
from ..engine.graph import Dim, Graph, Node
from ..engine.layers import table_values
from ..engine.reference import handed_on
from .passes import Section, give_hints, materialise_states, simplify
from .passes.times import levels
from .walk import Storage, Walk, identifier, wrap

__all__ = ["module", "modules"]

ELEMENTWISE = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "mod": "a % b && a % b < 0 !== b < 0 ? (a % b) + b : a % b",
    "maximum": "Math.max(a, b)",
    "minimum": "Math.min(a, b)",
    "less": "a < b ? 1 : 0",
    "less_equal": "a <= b ? 1 : 0",
    "greater": "a > b ? 1 : 0",
    "greater_equal": "a >= b ? 1 : 0",
    "equal": "a === b ? 1 : 0",
    "not_equal": "a !== b ? 1 : 0",
    "both": "a && b",
    "either": "a || b",
    "opposite": "a ? 0 : 1",
    "neg": "-a",
    "square": "a * a",
    "sqrt": "Math.sqrt(a)",
    "exp": "Math.exp(a)",
    "log": "Math.log(a)",
    "sin": "Math.sin(a)",
    "cos": "Math.cos(a)",
    "tanh": "Math.tanh(a)",
    "sigmoid": "1 / (1 + Math.exp(-a))",
    "relu": "Math.max(a, 0)",
    "softplus": "Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)))",
}
"""Primitives that work on one element, a, or on two, a and b."""

ONE = """function {name}(a) {{
  a = lift(a);
  const out = array(a.shape), x = a.data, y = out.data;
  for (let i = 0; i < y.length; i++) y[i] = {text};
  return out;
}}"""

TWO = """function {name}(a, b) {{
  const [out, x, y] = pair(a, b), z = out.data, n = x.length, m = y.length;
  for (let i = 0, j = 0, k = 0; i < z.length; i++) {{
    z[i] = {text};
    if (++j === n) j = 0;
    if (++k === m) k = 0;
  }}
  return out;
}}"""

WORDS = """
arguments async await break case catch class const continue debugger default delete do else enum
eval export extends false finally for function get if implements import in instanceof interface let
new null of package private protected public return set static super switch this throw true try
typeof undefined var void while with yield Infinity NaN Math Object Array Number Float64Array T B t
params given grads final past cell
""".split()


def _elementwise(name: str) -> str:
    """The function of a row of `ELEMENTWISE`."""
    text, two = ELEMENTWISE[name], re.search(r"\bb\b", ELEMENTWISE[name])
    at = {"a": "x[j]", "b": "y[k]"} if two else {"a": "x[i]"}
    return (TWO if two else ONE).format(name=name, text=re.sub(r"\b[ab]\b", lambda m: at[m[0]], text))


def _functions() -> dict[str, str]:
    """Every function that a module may need, with what is said of it, by name."""
    parts = re.split(
        r"\n\n(?=(?://.*\n)*function)", Path(__file__).with_name("arithmetic.js").read_text("utf-8")
    )
    found = {re.search(r"^function (\w+)", part, re.M)[1]: part.strip() for part in parts[1:]}
    return {name: _elementwise(name) for name in ELEMENTWISE} | found


def _needed(text: str, functions: Mapping[str, str]) -> list[str]:
    """The names of the functions that a text calls, and those that these call."""
    found: dict[str, None] = {}
    todo = [text]
    while todo:
        text = todo.pop()
        new = [n for n in functions if n not in found and re.search(rf"(?<![.\w]){n}\b", text)]
        found |= dict.fromkeys(new)
        todo += [functions[n] for n in new]
    return [name for name in functions if name in found]


def module(cell: Definition, sizes: Mapping[str, int], *, gradients: bool = True) -> str:
    """The text of the module, for arrays of these sizes.

    Parameters
    ----------
    cell : Definition
    sizes : mapping of str to int
        All that the cell has, by name.
    gradients : bool
        Whether ``backward`` is there too.
    """
    functions, body = _functions(), _program(cell, sizes, gradients)
    return f"{body}\n\n// Arithmetic on arrays.\n\n{_arithmetic(body, functions)}\n"


def modules(programs: Mapping[str, tuple[Definition, Mapping[str, int]]], *, gradients: bool | str) -> str:
    """An expression: an object of several cells' programs by name, which share their arithmetic.

    Parameters
    ----------
    programs : mapping of str to (Definition, sizes)
    gradients : bool or "states"
        False: each is its ``run``. True: each has ``backward``, and ``whole(given)``, which gives ``{values,
        first}``: all that ``run`` does, and the states before the first step. "states": the same, and
        ``backward`` gives the gradients of the states before the first step alone.
    """
    what = "{ whole, backward }" if gradients else "run"
    texts = {name: _program(*program, gradients) for name, program in programs.items()}
    whole = "\n\n".join(
        f"{json.dumps(name)}: (() => {{\n{text}\nreturn {what};\n}})()," for name, text in texts.items()
    )
    whole = re.sub(r"^export ", "", whole, flags=re.M)
    return f"(() => {{\nreturn {{\n{whole}\n}};\n\n{_arithmetic(whole, _functions())}\n}})()"


def _arithmetic(text: str, functions: Mapping[str, str]) -> str:
    """The functions that a text calls."""
    return "\n\n".join(functions[name] for name in _needed(text, functions))


def _program(cell: Definition, sizes: Mapping[str, int], gradients: bool | str) -> str:
    """What is a cell's own in a module: all but the arithmetic."""
    names = _Names(_functions(), sizes)
    graph = materialise_states(simplify(cell.graph))
    for node in graph.nodes:
        if node.op.name == "affine":
            node.hint = f"a_{node.attrs['label']}"
    give_hints(graph)
    derived = Graph(graph.name)
    if gradients:
        derived = backward(graph, [*dict.fromkeys([*cell.states, *cell.emits])], _computed(graph))
        if gradients == "states":
            starts = {f"{gradient_name(s)}0" for s in cell.states}
            derived.outputs = {name: n for name, n in derived.outputs.items() if name in starts}
        derived = give_hints(materialise_states(simplify(derived)))
    saved = [n.attrs["of"] for n in derived.leaves("saved")]
    ahead = _Printer(cell, graph, [*map(graph.names.get, cell.names), *saved], {}, names)
    parts = [ahead.forward(), ahead.run()]
    if gradients:
        back = _Printer(cell, derived, [*derived.outputs.values()], ahead.storage, names)
        parts.append(back.backward(ahead.returned))
    body = "\n\n".join(parts)
    told = ", ".join(f"{k} = {v}" for k, v in sizes.items())
    known = ", ".join(f"{v} = {sizes[k]}" for k, v in names.sizes.items() if re.search(rf"\b{v}\b", body))
    head = [f"// {cell.name}, for {told or 'arrays of any size'}.", ABOUT if gradients else "//", ""]
    head.append(f"const cell = {_described(cell, graph, sizes)};")
    head += [f"const {known};"] * bool(known) + names.tables
    return "\n".join(head) + f"\n\n{body}"


ABOUT = """//
// run(given) gives every state, output and named equation at every step; backward(given, grads, final) the
// gradients of all that was given, from those of states and outputs at every step and of the last states.
// given holds params, inputs and, where they are not to be as the cell says, state and lengths. An array is
// { shape: [T, B, ...], data: Float64Array }."""


class _Names:
    """Names that all of a module knows: its functions, sizes, and tables of numbers."""

    def __init__(self, functions: Mapping[str, str], sizes: Mapping[str, int]):
        self.reserved, self.values = {*WORDS, *functions}, sizes
        self.sizes = {k: identifier(k, (), self.reserved) for k in sizes}
        self.reserved |= set(self.sizes.values())
        self.tables: list[str] = []
        self.known: dict[str, str] = {}

    def table(self, name: str, values: np.ndarray) -> str:
        """The name of numbers that stand in the module."""
        text = _array(values)
        if text not in self.known:
            self.known[text] = identifier(name, (), self.reserved)
            self.reserved.add(self.known[text])
            self.tables.append(f"const {self.known[text]} = {text};")
        return self.known[text]


def _computed(graph: Graph) -> set[Node]:
    return {n for n in graph.nodes if n.op.kind != "leaf"}


def _array(values: np.ndarray) -> str:
    numbers = ", ".join(_number(float(v)) for v in values.ravel())
    return f"array([{', '.join(map(str, values.shape))}], Float64Array.of({numbers}))"


def _number(value: float) -> str:
    """A number as JavaScript writes it."""
    whole = abs(value) < 1e15 and float(value).is_integer() and (value or math.copysign(1, value) > 0)
    text = repr(int(value)) if whole else repr(float(value))
    return text.replace("inf", "Infinity").replace("nan", "NaN")


def _member(of: str, name: str) -> str:
    """A member of an object, by its name; `of` may end in a question mark, where it may be missing."""
    if re.fullmatch(r"[A-Za-z_]\w*", name):
        return f"{of}.{name}"
    return f"{of}{'.' * of.endswith('?')}[{json.dumps(name)}]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name)


def _declared(how: str, items: list[str]) -> list[str]:
    """A declaration of variables, on as few lines as fit."""
    return wrap(f"{how} ", items, ";", indent=2).split("\n") if items else []


def _described(cell: Definition, graph: Graph, sizes: Mapping[str, int]) -> str:
    """What a cell is given and gives, as data by which a module checks its arguments."""

    def shapes(of: Iterable[tuple[str, tuple]]) -> dict[str, list[int]]:
        return {name: [Dim.of(d).value(sizes) for d in shape] for name, shape in of}

    def inputs(*kinds: str) -> dict[str, list[int]]:
        return shapes((i.name, i.shape) for i in cell.inputs if i.kind in kinds)

    stays = {name: handed_on(cell.graph, name) for name in cell.names}
    told = {
        "name": cell.name,
        "params": shapes((p.name, p.shape) for p in graph.params),
        "sequences": inputs("sequence", "noise"),
        "statics": inputs("static"),
        "states": inputs("state"),
        "clock": next((i.name for i in cell.inputs if i.kind == "clock"), None),
        "outputs": shapes((n, graph.names[n].shape) for n in dict.fromkeys([*cell.states, *cell.emits])),
        "reverse": [s.name for s in graph.states if s.reverse],
        "stays": {
            name: {"states": states, "axis": graph.names[name].attrs["axis"] if len(states) > 1 else -1}
            for name, states in stays.items()
            if states
        },
    }
    return "{\n" + "".join(f"  {key}: {json.dumps(value)},\n" for key, value in told.items()) + "}"


class _Printer(Walk):
    """One graph, step by step: what the loops compute is kept for every step."""

    def __init__(self, cell, graph, wanted, given, names):
        self.cell, self.all, self.reserved = cell, names, names.reserved
        gradient = bool(given)
        super().__init__(
            graph, {str(k): n for k, n in enumerate(wanted)}, given, cell.graph, cell.letters, gradient
        )
        self.used |= {at.variable for at in given.values()}
        self.sizes = dict(names.sizes)
        self.first: list[str] = []  # statements ahead of all others
        self.prepare()

    # where everything stands

    def scheduled(self) -> list[Section]:
        """What is known before the loops; one loop for each level and direction; what is known after them.

        What could be computed ahead of a loop, or after it, is computed in it all the same.
        """
        order, graph = levels(self.graph), self.graph
        loops = sorted({(order.of_state[s.name], s.reverse) for s in graph.states})
        keys = sorted([(0, -1), (0, 2), *((lv, int(r)) for lv, r in loops), *{(lv, 2) for lv, _ in loops}])
        place: dict[Node, tuple[int, int]] = {n: (lv, int(r)) for n, (lv, r) in order.loop.items()}
        late = set()
        for node in graph.nodes:
            if node.op.kind == "leaf" or node in place:
                continue
            timed = node.timed or any(a.timed for a in node.args)
            if any(a in late or (a.timed and not node.timed) or a.op.name == "carried" for a in node.args):
                late.add(node)
            here = [key for key in keys if key[0] == order.level[node] and key[1] in (0, 1)]
            if timed:
                place[node] = here[0] if len(here) == 1 else (order.level[node], 2)
            elif node not in late:
                place[node] = (0, -1)
        for node in reversed(graph.nodes):  # what no loop makes waits for the first that reads it
            if place.get(node) == (0, 2) and node.timed:
                place[node] = min((place[u] for u in self.users[node] if u in place), default=(0, 2))
        sections = [
            Section(key[1] in (0, 1), key[0], key[1] == 1, [n for n in graph.nodes if place.get(n) == key])
            for key in keys
        ]
        sections.append(
            Section(
                False, keys[-1][0], False, [n for n in graph.nodes if n.op.kind != "leaf" and n not in place]
            )
        )
        return [s for s in sections if s.loop or s.nodes]

    def prepare(self) -> None:
        """Say where every value is."""
        states = {n for s in self.graph.states for n in (s.prev, s.next)}
        for s in self.graph.states:
            name = self.free_name(s.name)
            self.storage[s.prev] = Storage(name, "T+1", 1 if s.reverse else 0)
            self.storage[s.next] = Storage(name, "T+1", 0 if s.reverse else 1)
        self.rows = {s.name: self.storage[s.prev] for s in self.graph.states}
        for node in self.graph.leaves():
            if node not in states:
                self.storage[node] = self.leaf(node)
        for node in self.where:
            if node not in states and not self.within(node):
                row = node.timed and node in self.needs_row
                self.storage[node] = Storage(self.free_name(self.suggested(node)), "T" if row else "")

    def within(self, node: Node) -> bool:
        """Whether a node is written within its only reader."""
        users = self.users[node]
        return (
            len(users) == 1
            and not node.name
            and id(node) not in self.wanted
            and not self.summed(node)
            and self.where[users[0]] == self.where[node]
            and (node.timed == users[0].timed or self.summed(users[0]))
        )

    @staticmethod
    def summed(node: Node) -> bool:
        """Whether it adds up what every step has."""
        return node.op.kind == "reduction" and any(a.timed for a in node.args)

    def leaf(self, node: Node) -> Storage:
        """How what a program is given is read."""
        kind, name = node.op.name, node.name
        if kind == "const":
            value = node.attrs["value"]
            if isinstance(value, np.ndarray):
                return Storage(self.all.table("const", value))
            return Storage(self.size(value) if isinstance(value, Dim) else _number(value))
        if kind == "table":
            return Storage(self.all.table(name, table_values(node, self.all.values)))
        if kind == "saved":
            return self.given.get(node.attrs["of"]) or self.leaf(node.attrs["of"])
        if kind in ("param", "static"):
            return Storage(_member("params" if kind == "param" else "given", name))
        if kind in ("initial", "carried"):
            return Storage("")  # `ref` says it
        if not self.users[node] and id(node) not in self.wanted:
            return Storage("")
        if kind == "clock":
            found, text = "clock", f"ticks({name!r}, {_member('given.state?', name)} ?? 0, T)"
        elif kind == "grad":
            of = node.attrs["of"]
            found, text = f"g_{of}", f"steps({_member('grads', of)} ?? array([T, {self.shape(node)[1:]}))"
        else:
            found, text = name, f"steps({_member('given', name)})"
        found = self.free_name(found)
        self.first.append(f"const {found} = {text};")
        return Storage(found, "T")

    # text

    def shape(self, node: Node) -> str:
        """The shape of a value at one step."""
        return f"[{', '.join(['B'] * node.batched + [self.size(d) for d in node.shape])}]"

    def ref(self, node: Node, result: bool = False) -> str:
        """How a statement reads a node; `result` where it is handed to the caller."""
        if node.op.name == "initial":  # in a backward program: the gradient of a last state
            return f"{_member('final', node.attrs['state'])} ?? 0"
        if node.op.name == "carried":
            at, state = self.rows[node.attrs["state"]], self.forward_state(node.attrs["state"])
            text = f"{at.variable}[{'T' if self.ends_last(node) else 0}]"
            if self.ends_last(node):
                text = f"add({text}, {_member('past', state)} ?? 0)"
            return text if result else f"own(given, {json.dumps(state)}, {text})"
        return self.text(node) if node not in self.storage else self.storage[node].at(True)

    def ends_last(self, carried: Node) -> bool:
        """Whether the loop of a gradient ends at the last step, as that of a state that is read backwards."""
        return not next(s.reverse for s in self.graph.states if s.name == carried.attrs["state"])

    def forward_state(self, name: str) -> str:
        """The state whose gradient a state of a backward program is."""
        return next(s for s in self.cell.states if gradient_name(s) == name)

    def text(self, node: Node) -> str:
        """One operation as text."""
        op, attrs = node.op.name, node.attrs
        args = [self.ref(a) for a in node.args]
        if op in ("stop", "copy", "spread"):
            (a,) = node.args
            same = a.shape == node.shape and a.batched == node.batched
            return args[0] if same else f"spread({args[0]}, {self.shape(node)})"
        if op == "over_time":
            return args[0]
        if op == "concat":
            args = [f"[{', '.join(args)}]"]
        more = [attrs[k] for k in SETTINGS.get(op, ())]
        for value in more:
            dims = value if isinstance(value, tuple) else (value,)
            text = ", ".join(self.size(d) if isinstance(d, Dim) else str(d) for d in dims)
            args.append(f"[{text}]" if isinstance(value, tuple) else text)
        return f"{op}({', '.join(args)})"

    def statements(self, nodes: Iterable[Node]) -> list[str]:
        """What computes these nodes, each equation under itself."""
        lines, last, said = [], None, set()
        for node in nodes:
            if node not in self.storage:
                continue
            if node.origin and node.origin != last and node.timed:
                lines += [f"//{line[1:]}" for line in self.comment(node, said, True)]
                last = node.origin
            at = self.storage[node]
            if self.summed(node):
                lines.append(f"{at.variable} = add({at.variable}, {self.text(node)});")
            else:
                lines.append(f"{'' if at.time else 'const '}{at.at(True)} = {self.text(node)};")
        return lines

    def section(self, section: Section) -> list[str]:
        """A part of a program."""
        nodes = section.nodes
        if not any(n.timed or self.summed(n) for n in nodes) and not section.loop:
            return self.statements(nodes)
        sums = [f"{self.storage[n].variable} = array({self.shape(n)})" for n in nodes if self.summed(n)]
        states = [
            s
            for s in self.graph.states
            if section.loop and self.where[s.next] == self.sections.index(section)
        ]
        nexts = {s.next for s in states}
        lists = [
            self.storage[n].variable
            for n in nodes
            if n in self.storage and self.storage[n].time and n not in nexts
        ]
        lines = _declared("const", [f"{name} = []" for name in lists]) + _declared("let", sums)
        for s in states:
            name, start = self.rows[s.name].variable, self.ref(s.start)
            if not self.gradient:
                start = f"{_member('given.state?', s.name)} ?? {start}"
            start = f"spread({start}, {self.shape(s.prev)})"
            lines += (
                [f"const {name} = [];", f"{name}[T] = {start};"]
                if s.reverse
                else [f"const {name} = [{start}];"]
            )
        lines.append(
            "for (let t = T - 1; t >= 0; t--) {" if section.reverse else "for (let t = 0; t < T; t++) {"
        )
        return lines + [f"  {line}" for line in self.statements(nodes)] + ["}"]

    def body(self) -> str:
        """All sections."""
        lines = list(self.first)
        for section in self.sections:
            lines += ["", *self.section(section)]
        return "\n".join(f"  {line}" if line else "" for line in lines)

    def whole(self, node: Node) -> str:
        """A value at every step, for the caller."""
        at = self.storage[node] if node.timed else Storage(f"Array(T).fill({self.ref(node)})")
        rows = f"{at.variable}.slice(1)" if at.shift else at.variable
        dims = ", ".join(["B", *(self.size(d) for d in node.shape)])
        return f"stack({rows}, T, [{dims}])"

    def once(self, node: Node) -> str:
        """A value that all steps share, for the caller."""
        return f"spread({self.ref(node, True)}, {self.shape(node)})"

    # functions

    @property
    def returned(self) -> list[str]:
        """What the forward program hands on."""
        kept = [n for n in self.graph.nodes if id(n) in self.wanted and n.op.kind != "leaf"]
        kept += [s.prev for s in self.graph.states]
        return ["T", "B", *dict.fromkeys(self.storage[n].variable for n in kept)]

    def forward(self) -> str:
        """All states and equations, as lists of steps."""
        params = "const { params } = given, " if self.graph.params else "const "
        return (
            f"function forward(given) {{\n  {params}{{ T, B }} = extent(cell, given);\n{self.body()}\n"
            f"{wrap('  return { ', self.returned, ' };', indent=4)}\n}}"
        )

    def run(self) -> str:
        """The same as arrays, by name."""
        values = "".join(f"    {_key(k)}: {self.whole(self.graph.names[k])},\n" for k in self.cell.names)
        at = {s.name: f"{self.rows[s.name].variable}[{'T' if s.reverse else 0}]" for s in self.graph.states}
        first = ", ".join(f"{_key(k)}: {v}" for k, v in at.items())
        taken = wrap("  const { ", self.returned, " } = forward(given);", indent=4)
        return (
            f"function whole(given) {{\n{taken}\n"
            f"  const values = {{\n{values}  }};\n  return {{ values, first: {{ {first} }} }};\n}}\n\n"
            "export function run(given) {\n"
            "  return handed(given.lengths ? runToEnds(cell, given, whole) : whole(given).values);\n}"
        )

    def backward(self, returned: list[str]) -> str:
        """All gradients, by name."""
        of = {gradient_name(n.name): n.name for n in self.comments.leaves("param", *INPUTS)}
        of |= {f"{gradient_name(s)}0": f"{s}0" for s in self.cell.states}
        lines = "".join(
            f"    {_key(of[k])}: {self.whole(n) if n.timed else self.once(n)},\n"
            for k, n in self.graph.outputs.items()
        )
        params = "const { params } = given, " if self.graph.params else "const "
        body = self.body()
        read = [name for name in returned if re.search(rf"\b{name}\b", body + lines)]
        return (
            f"function gradients(given, grads, final, past) {{\n"
            f"{wrap(f'  {params}{{ ', read, ' } = forward(given);', indent=4)}\n{body}\n"
            f"  return {{\n{lines}  }};\n}}\n\n"
            "export function backward(given, grads = {}, final = {}) {\n"
            "  upstream(cell, given, grads, final);\n"
            "  if (given.lengths) return handed(backwardToEnds(cell, given, grads, final, gradients));\n"
            "  return handed(gradients(given, grads, final, {}));\n}"
        )


INPUTS = ("static", "sequence", "noise")

SETTINGS = {
    **dict.fromkeys(("sum", "softmax", "logsumexp", "concat", "expand"), ("axis",)),
    "slice": ("start", "stop", "axis"),
    "pad": ("start", "size", "axis"),
    "reshape": ("rank", "shape"),
    "total": ("rank",),
}
"""What a function of `arithmetic.js` is told beside its operands, in this order."""
