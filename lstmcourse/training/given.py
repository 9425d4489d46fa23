"""What a `Model` is made of, checked where it comes in: a cell, a task, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import cells, checks, tasks
from ..cell import Cell
from ..errors import UnknownNameError, nearest
from ..tasks.base import Task
from ..tasks.pairs import Transduction
from .losses import LOSSES

__all__ = [
    "Looking", "as_cell", "as_decoder", "as_pairs_task", "as_task", "check_settings", "same_interface",
]  # fmt: skip


def check_settings(task: Any, hidden_size: int, embedding: int | None, dropout: float) -> None:
    """Refuse what makes no model."""
    checks.whole("hidden_size", hidden_size, 1)
    checks.number("dropout", dropout, 0, 1, without=1)
    if embedding is not None and task.symbols is None:
        raise ValueError(
            f"embedding={embedding!r} needs symbols; task {task.name!r} gives numbers: leave it out"
        )
    if embedding is not None:
        checks.whole("embedding", embedding, 1)
        checks.memory(f"embedding={embedding}: the vectors", embedding * task.input_size)
    if isinstance(task, Transduction):
        raise ValueError(
            f"task={task!r} gives pairs of source and target, and a Model reads and says one thing at a "
            "step: take lstmcourse.Seq2Seq, or lstmcourse.Captioner for pictures"
        )
    if task.loss not in LOSSES:
        raise UnknownNameError(
            f"task {task.name!r} has the unknown loss {task.loss!r}: {nearest(task.loss, LOSSES)}"
        )


def as_task(task: Any) -> Task:
    """Return the task of that name, or the task itself."""
    if isinstance(task, str):
        return tasks.get(task)
    return checks.instance("task", task, Task, "lstmcourse.tasks.Adding(), or its name")


def _called(name: str, cell: Any, such_as: str) -> Cell:
    """A cell, or the one of that name."""
    if isinstance(cell, str):
        try:
            return cells.get(cell)
        except UnknownNameError as error:
            raise UnknownNameError(f"{name}: {error}") from None
    return checks.instance(name, cell, Cell, f"{such_as}, or its name")


def as_cell(cell: Any, name: str = "cell") -> Cell:
    """Return the cell of that name, or the cell itself, if a network can give it what it takes."""
    cell = _called(name, cell, "lstmcourse.cells.lstm")
    first, *others = cell.inputs
    others = [i for i in others if i.kind not in ("state", "clock") and not i.name.endswith(".mask")]
    if first.kind != "sequence" or others:
        raise ValueError(
            f"a Model gives its {name} one sequence, and masks between layers, but "
            f"{cell.name} takes {', '.join(f'{i.name} ({i.kind})' for i in (first, *others))}: "
            "train such a cell with lstmcourse.unroll and lstmcourse.optim"
        )
    return cell


def as_pairs_task(task: Any) -> Transduction:
    """Return the task of that name, or the task itself, if its batches are pairs."""
    task = tasks.get(task) if isinstance(task, str) else task
    return checks.instance("task", task, Transduction, "lstmcourse.tasks.Translation(), or its name")


@dataclass(frozen=True)
class Looking:
    """What a decoder calls that which it looks at, and what it emits of that.

    Attributes
    ----------
    annotations, places, width : str
        The static input, (L, A), and its two sizes.
    count, noise : str or None
        The static input that says how many annotations there are, and the noise that hard attention draws by.
    contexts : tuple of str
        What is emitted that is as wide as an annotation.
    shares : str
        The first that is emitted with a number for each annotation.
    """

    annotations: str
    places: str
    width: str
    count: str | None
    noise: str | None
    contexts: tuple[str, ...]
    shares: str


def as_decoder(cell: Any) -> tuple[Cell, Looking]:
    """Return the cell of that name, or the cell itself, if it is a decoder that looks at annotations."""
    cell = _called("decoder", cell, "lstmcourse.cells.additive_attention")
    first, *others = cell.inputs
    by_kind = {kind: [i for i in others if i.kind == kind] for kind in ("sequence", "static", "noise")}
    wide = [i for i in by_kind["static"] if len(i.shape) == 2]
    count, noise = ([i for i in by_kind[kind] if i.shape == (1,)] for kind in ("static", "noise"))
    rest = len(by_kind["sequence"] + by_kind["static"] + by_kind["noise"]) - len(wide + count + noise)
    if len(wide) == 1 and len(count) < 2 and len(noise) < 2 and not rest and first.kind == "sequence":
        places, width = map(str, wide[0].shape)
        shapes = {name: tuple(map(str, n.shape)) for name, n in cell.graph.outputs.items()}
        contexts = tuple(name for name, shape in shapes.items() if shape == (width,))
        shares = [name for name, shape in shapes.items() if shape == (places,)]
        if shares and not any(state.reverse for state in cell.graph.states):
            called = (part[0].name if part else None for part in (count, noise))
            return cell, Looking(wide[0].name, places, width, *called, contexts, shares[0])
    raise ValueError(
        f"decoder={cell.name} does not fit: a decoder reads the word before as a sequence and annotations as "
        "a static input (L, A), may be told by another, (1,), how many they are, may draw by noise (1,), and "
        "emits how it shares itself out among them, (L,); as lstmcourse.cells.additive_attention does"
    )


def same_interface(own: Any, other: Any) -> Any:
    """Return the other task, if it has the same inputs, outputs and loss."""
    for name in ("input_size", "output_size", "symbols", "target_symbols", "loss"):
        ours, theirs = (getattr(task, name, None) for task in (own, other))
        if ours != theirs:
            raise ValueError(
                f"task {other.name!r} does not fit a model of {own.name!r}: its {name} is {theirs!r}, "
                f"not {ours!r}"
            )
    return other
