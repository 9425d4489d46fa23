"""The recipe: from the graph of one step to programs that run a whole sequence.

    trace -> stop_at_lengths -> divide_layers -> merge_products -> merge_elementwise -> simplify
          -> ask_the_clock -> own_next_states -> forward program
          -> backward (autodiff) -> silence_padding -> simplify -> own_next_states -> own_outputs
          -> backward program

`compile_graph` makes a `Compiled` for one way of running a cell. What its programs have to give is defined in
`engine/reference.py`.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compiled import native as fast
from ..compiled.printer import compiled
from ..compiled.program import NotCompiled
from ..engine import numeric as runtime
from ..engine.autodiff import backward, gradient_name
from ..engine.clock import ask_the_clock
from ..engine.definition import Definition
from ..engine.graph import Graph, Node, State
from ..engine.ops import OPS
from ..programs import passes
from ..programs.numpy import Program, Storage, program
from .backends import check_backend

__all__ = ["Compiled", "compile_graph", "gradient_name", "lower", "programs", "source"]


def lower(
    graph: Graph, *, given: Collection[str] = (), padded: bool = False, merged: Collection[str] = ()
) -> Graph:
    """From the author's graph to the one that is printed.

    Parameters
    ----------
    graph : Graph
        As traced.
    given : collection of str
        States whose first value the caller gives, in place of the cell's own.
    padded : bool
        Whether sequences have lengths.
    merged : collection of str
        Which operations on neighbouring slices become one; all if none is named. A compiled loop wants its
        gates apart, but their sums in one piece, which the product adds to.
    """
    graph = start_from(graph, given)
    if padded:
        graph = passes.stop_at_lengths(graph)
    graph = passes.divide_layers(graph)
    graph = passes.merge_products(graph)
    graph = passes.merge_elementwise(graph, merged)
    graph = ask_the_clock(passes.give_hints(passes.simplify(graph)))
    return passes.give_hints(passes.own_next_states(graph))


def start_from(graph: Graph, given: Collection[str]) -> Graph:
    """Let some states start from an array of the caller's.

    before: ``h0 = 0``
    after:  ``h0`` is an input
    """
    if not given:
        return graph
    new = Graph(graph.name, list(graph.nodes), [], dict(graph.outputs), dict(graph.names))
    for s in graph.states:
        start = s.start
        if s.name in given:
            start = new.add(
                OPS["initial"], attrs={"state": s.name}, shape=s.prev.shape, batched=True, name=f"{s.name}0"
            )
        new.states.append(State(s.name, s.prev, start, s.next, s.reverse))
    return new


@dataclass
class Compiled:
    """The programs of one cell, for one way of running it."""

    graph: Graph
    author: Graph
    forward: Program
    run: Callable
    saved: Mapping[Node, Storage]
    dtype: np.dtype | None = None
    _backward: dict[tuple, tuple[Program, Callable]] = field(default_factory=dict)

    def backward(
        self, outputs: Collection[str], skip: Collection[str] = (), *, plain: bool = False
    ) -> tuple[Program, Callable]:
        """The program for gradients of these outputs, printed when first wanted.

        What the compiled back-end cannot print is a NumPy program, as everything is with `plain`; both read
        what the forward program stored.
        """
        key = (tuple(sorted(outputs)), tuple(sorted(skip)), plain)
        if key not in self._backward:
            step = lower_backward(self.graph, outputs, set(self.saved), skip)
            known = ", ".join(key[0]) or "the last states"
            given = dict(
                doc=f"Gradients of {self.author.name} through all T steps, given those of {known}.",
                store=step.outputs,
                given=self.saved,
                comments=self.author,
                gradient=True,
            )
            if self.dtype is not None and not plain:
                try:
                    text = compiled(step, "backward", **given)
                    self._backward[key] = (text, fast.load(text, self.author.name, self.dtype))
                    return self._backward[key]
                except NotCompiled:
                    pass
            text = program(step, "backward", **given)
            self._backward[key] = (text, load(text, self.author.name))
        return self._backward[key]


def lower_backward(
    graph: Graph, outputs: Collection[str], keep: Collection[Node], skip: Collection[str] = ()
) -> Graph:
    """The graph of the gradients, ready to be printed."""
    step = passes.silence_padding(backward(graph, outputs, keep, skip))
    return passes.give_hints(passes.own_outputs(passes.own_next_states(passes.simplify(step))))


def programs(
    cell: Definition,
    given: frozenset[str] = frozenset(),
    padded: bool = False,
    gradients: bool = True,
    dtype: np.dtype | None = None,
) -> Compiled:
    """The programs for one way of running a cell; printed once. With a dtype, those of the compiler."""
    key = (given, padded, gradients, dtype)
    if key not in cell._cache:
        cell._cache[key] = compile_graph(
            cell.graph, given=given, padded=padded, gradients=gradients, dtype=dtype
        )
    return cell._cache[key]


def source(cell: Definition, backend: str, backward: bool) -> str:
    """The text of a program; see `Cell.source`."""
    if backend == "reference":
        raise ValueError(
            "backend='reference' prints no program: it computes the equations as they are written, see "
            "lstmcourse/engine/reference.py; source(...) prints those of 'numpy' and 'numba'"
        )
    found = programs(cell, dtype=np.dtype(np.float32) if check_backend(backend) == "numba" else None)
    if not backward:
        return found.forward.text
    return found.backward((cell.output,))[0].text


def compile_graph(
    author: Graph,
    *,
    given: Collection[str] = (),
    padded: bool = False,
    gradients: bool = True,
    dtype: np.dtype | None = None,
) -> Compiled:
    """Print and load the forward program, with storage for what the backward program will ask for.

    With a `dtype` it is printed for the compiler, for numbers of that kind; without, for NumPy.

    Raises
    ------
    NotCompiled
        The compiled back-end cannot do it.
    """
    graph = lower(author, given=given, padded=padded, merged=("add",) if dtype is not None else ())
    wanted: list[Node] = list(graph.outputs.values()) + [
        n for n in graph.names.values() if len(n.shape) <= 1 and n.op.kind != "leaf"
    ]
    if gradients:
        everything = [s.name for s in graph.states] + [k for k in graph.outputs]
        step = lower_backward(graph, everything, passes.saved(graph))
        needed = [n.attrs["of"] for n in step.leaves("saved") if n.attrs["of"].op.name != "prev"]
        wanted += needed
    nexts = {id(s.next) for s in graph.states}
    store = {
        f"{k}": n for k, n in enumerate(dict.fromkeys(wanted)) if id(n) not in nexts and n.op.kind != "leaf"
    }
    text = (program if dtype is None else compiled)(
        graph,
        "forward",
        doc=f"All T steps of {author.name}, for a batch of B sequences.",
        store=store,
        comments=author,
    )
    held = {n: at for n, at in text.storage.items() if at.time or not n.timed}
    keep = {s.prev: text.storage[s.prev] for s in graph.states} | {
        s.next: text.storage[s.next] for s in graph.states
    }
    keep |= {n: held[n] for n in store.values() if n in held}
    run = load(text, author.name) if dtype is None else fast.load(text, author.name, dtype)
    return Compiled(graph, author, text, run, keep, dtype)


_NUMBERS = itertools.count(1)


def load(text: Program, name: str) -> Callable:
    """Make a function of a program's text; tracebacks and debuggers find its lines."""
    space: dict[str, Any] = {"np": np, **{k: getattr(runtime, k) for k in runtime.__all__}}
    filename = f"<{text.name} program of {name} #{next(_NUMBERS)}>"
    linecache.cache[filename] = (len(text.text), None, text.text.splitlines(keepends=True), filename)
    exec(compile(text.text, filename, "exec"), space)
    function = space[text.name]
    weakref.finalize(function, linecache.cache.pop, filename, None)
    return function
