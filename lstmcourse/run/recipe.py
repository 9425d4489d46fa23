"""The recipe: from the graph of one step to programs that run a whole sequence.

    trace -> start_from -> stop_at_lengths -> divide_layers -> merge_products -> merge_elementwise
          -> simplify -> ask_the_clock -> materialise_states -> forward program
          -> backward (autodiff) -> mask_padding -> simplify -> materialise_states -> materialise_outputs
          -> backward program

`lower` and `lower_backward` are this recipe; what each verb does stands in `programs/passes`. `compile_graph`
follows it for one way of running a cell. What the programs have to give is defined in `engine/reference.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import checks
from ..compiled import native
from ..compiled.printer import compiled
from ..compiled.program import NotCompiled
from ..engine.autodiff import backward, gradient_name
from ..engine.clock import ask_the_clock
from ..engine.definition import Definition
from ..engine.graph import Graph, Node
from ..programs import javascript
from ..programs.load import load
from ..programs.numpy import Program, Storage, program
from ..programs.passes import (
    divide_layers,
    give_hints,
    mask_padding,
    materialise_outputs,
    materialise_states,
    merge_elementwise,
    merge_products,
    saved,
    simplify,
    start_from,
    stop_at_lengths,
)
from .backends import check_backend

__all__ = ["Compiled", "compile_graph", "gradient_name", "lower", "lower_backward", "programs", "source"]


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
        graph = stop_at_lengths(graph)
    graph = divide_layers(graph)
    graph = merge_products(graph)
    graph = merge_elementwise(graph, merged)
    graph = simplify(graph)
    graph = give_hints(graph)
    graph = ask_the_clock(graph)
    graph = materialise_states(graph)
    return give_hints(graph)


def lower_backward(
    graph: Graph, outputs: Collection[str], keep: Collection[Node], skip: Collection[str] = ()
) -> Graph:
    """From the printed graph to that of its gradients, ready to be printed."""
    graph = backward(graph, outputs, keep, skip)
    graph = mask_padding(graph)
    graph = simplify(graph)
    graph = materialise_states(graph)
    graph = materialise_outputs(graph)
    return give_hints(graph)


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
            known = ", ".join(key[0]) or "the last states"
            doc = f"Gradients of {self.author.name} through all T steps, given those of {known}."

            def printed(dtype: np.dtype | None) -> tuple[Program, Callable]:
                step = lower_backward(self.graph, outputs, set(self.saved), skip)
                how = dict(doc=doc, store=step.outputs, given=self.saved, gradient=True)
                return _made(step, "backward", self.author, dtype, **how)

            try:
                made = printed(None if plain else self.dtype)
            except NotCompiled:
                made = printed(None)
            self._backward[key] = made
        return self._backward[key]


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
    graph = lower(author, given=given, padded=padded, merged=() if dtype is None else ("add",))
    wanted = list(_shown(graph))
    if gradients:
        wanted += _needed(graph)
    nexts = {id(s.next) for s in graph.states}
    wanted = [n for n in dict.fromkeys(wanted) if id(n) not in nexts and n.op.kind != "leaf"]
    text, run = _made(
        graph,
        "forward",
        author,
        dtype,
        doc=f"All T steps of {author.name}, for a batch of B sequences.",
        store={str(k): n for k, n in enumerate(wanted)},
    )
    at = text.storage
    kept = {n: at[n] for s in graph.states for n in (s.prev, s.next)}
    kept |= {n: at[n] for n in wanted if n in at and (at[n].time or not n.timed)}
    return Compiled(graph, author, text, run, kept, dtype)


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


def source(
    cell: Definition,
    backend: str,
    backward: bool,
    input_size: int | None = None,
    hidden_size: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> str:
    """The text of a program; see `Cell.source`."""
    checks.truth("backward", backward)
    if isinstance(backend, str) and backend == "reference":
        raise ValueError(
            "backend='reference' prints no program: it computes the equations as they are written, see "
            "lstmcourse/engine/reference.py; source(...) prints those of 'numpy', 'numba' and 'javascript'"
        )
    if isinstance(backend, str) and backend == "javascript":
        if backward:
            raise ValueError("backward=True: a module in JavaScript has both passes; leave backward= out")
        return javascript.module(cell, cell.sizes(input_size, hidden_size, sizes, needed=cell.size_names()))
    for name, value in {"input_size": input_size, "hidden_size": hidden_size, "sizes": sizes}.items():
        if value is not None:
            raise ValueError(
                f"{name}={checks.shown(value)}: only backend='javascript' is made for certain sizes; leave "
                f"{name}= out"
            )
    found = programs(cell, dtype=np.dtype(np.float32) if check_backend(backend) == "numba" else None)
    if not backward:
        return found.forward.text
    return found.backward((cell.output,))[0].text


def _shown(graph: Graph) -> Iterable[Node]:
    """What a run has under a name: outputs, and equations whose values are vectors."""
    yield from graph.outputs.values()
    yield from (n for n in graph.names.values() if len(n.shape) <= 1 and n.op.kind != "leaf")


def _needed(graph: Graph) -> Iterable[Node]:
    """What the backward program for all outputs takes from storage."""
    everything = [*(s.name for s in graph.states), *graph.outputs]
    step = lower_backward(graph, everything, saved(graph))
    return [n.attrs["of"] for n in step.leaves("saved") if n.attrs["of"].op.name != "prev"]


def _made(
    graph: Graph, name: str, author: Graph, dtype: np.dtype | None, **how: Any
) -> tuple[Program, Callable]:
    """A program and what runs it."""
    if dtype is None:
        text = program(graph, name, comments=author, **how)
        return text, load(text, author.name)
    text = compiled(graph, name, comments=author, **how)
    return text, native.load(text, author.name, dtype)
