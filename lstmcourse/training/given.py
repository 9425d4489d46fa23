"""What a `Model` is made of, checked where it comes in: a cell, a task, sizes."""

from __future__ import annotations

from typing import Any

from .. import cells, checks, tasks
from ..cell import Cell
from ..errors import UnknownNameError, nearest
from ..tasks.base import Task
from .losses import LOSSES

__all__ = ["as_cell", "as_task", "check_settings", "same_interface"]


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
    if task.loss not in LOSSES:
        raise UnknownNameError(
            f"task {task.name!r} has the unknown loss {task.loss!r}: {nearest(task.loss, LOSSES)}"
        )


def as_task(task: Any) -> Task:
    """Return the task of that name, or the task itself."""
    if isinstance(task, str):
        return tasks.get(task)
    return checks.instance("task", task, Task, "lstmcourse.tasks.Adding(), or its name")


def as_cell(cell: Any) -> Cell:
    """Return the cell of that name, or the cell itself, if a Model can give it what it takes."""
    if isinstance(cell, str):
        cell = cells.get(cell)
    checks.instance("cell", cell, Cell, "lstmcourse.cells.lstm, or its name")
    first, *others = cell.inputs
    others = [i for i in others if i.kind not in ("state", "clock") and not i.name.endswith(".mask")]
    if first.kind != "sequence" or others:
        raise ValueError(
            "a Model gives its cell one sequence, and masks between layers, but "
            f"{cell.name} takes {', '.join(f'{i.name} ({i.kind})' for i in (first, *others))}: "
            "train such a cell with lstmcourse.unroll and lstmcourse.optim"
        )
    return cell


def same_interface(own: Any, other: Any) -> Any:
    """Return the other task, if it has the same inputs, outputs and loss."""
    for name in ("input_size", "output_size", "symbols", "loss"):
        if getattr(own, name) != getattr(other, name):
            raise ValueError(
                f"task {other.name!r} does not fit a model of {own.name!r}: its {name} is "
                f"{getattr(other, name)!r}, not {getattr(own, name)!r}"
            )
    return other
