"""What is said of the units of a trained model: what can be read off each, and what is lost without it."""

from __future__ import annotations

import numpy as np

from ..run.unroll import unroll
from ..training.inspection import probe
from ..training.losses import LOSSES
from ..training.model import Model
from .base import held_inputs, places
from .graphs import FREE, held_equations, holdable

__all__ = ["EFFECT", "effect", "places", "told"]

ROWS = 128  # sentences of the test split for the probes, half of them to fit, half to judge
WATCHED = 32  # sentences on which units are silenced
EFFECT = "loss without it"

UNTIL = {"gender": "is_pronoun", "number": "is_verb"}
"""A property that a task's notes have, and the word up to which it is needed."""


def told(model: Model) -> dict[str, np.ndarray]:
    """How well each unit's state tells a property of what is read, by the property's name; 0.5 is chance.

    One threshold has to serve at every word from where the property is known to where it is asked for. It is
    fitted on one half of the sentences, and judged on the other. Empty where the task tells nothing.
    """
    if not hasattr(model.task, "annotate"):
        return {}
    batch = model.task.batch("test", batch_size=ROWS, seed=0)
    notes = model.task.annotate(batch.x)
    state = model.unroll(batch.x, lengths=batch.lengths)[_carrier(model)].astype(np.float64)
    inside = np.arange(len(batch.x))[:, None] < (len(batch.x) if batch.lengths is None else batch.lengths)
    half, found = batch.x.shape[1] // 2, {}
    for what in (k for k in UNTIL if k in notes):
        at = inside & _needed(notes["is_subject"], notes[UNTIL[what]])
        if what == "gender":  # of several, pronouns do not tell
            at &= notes["number"] == -1
        first, second = (np.zeros_like(at) for _ in range(2))
        first[:, :half], second[:, half:] = at[:, :half], at[:, half:]
        fitted = probe(state[first], notes[what][first] == 1)
        found[what] = fitted.score(state[second], notes[what][second] == 1)
    return found


def _needed(begins: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The steps from where something begins to before where it is asked for, (T, B)."""
    steps = np.arange(len(begins))[:, None]
    since = np.maximum.accumulate(np.where(begins, steps, -1), 0)
    said = np.maximum.accumulate(np.where(asked, steps, -1), 0)
    return (since >= 0) & (said < since)


def _carrier(model: Model) -> str:
    """The state in which a unit carries something on: the cell state of the last layer, if there is one."""
    output = model.cell.output
    belt = f"{output.rpartition('.')[0]}.c".lstrip(".")
    return belt if belt in model.cell.states and _is_row(model, belt) else output


def _is_row(model: Model, name: str) -> bool:
    shape = next((s.prev.shape for s in model.cell.graph.states if s.name == name), ())
    return [d.value(model.sizes) for d in shape] == [model.hidden_size]


def effect(model: Model) -> dict[str, np.ndarray]:
    """How much the loss rises, in nats a step that is scored, when a unit is silenced: its output is 0.

    Empty where the output is not one number for each unit.
    """
    batch = model.task.batch("test", batch_size=WATCHED, seed=0)
    cell, output = holdable(model.cell), model.cell.output
    shapes = {
        k: tuple(d.value(model.sizes) for d in n.shape) for k, n in held_equations(model.cell.graph).items()
    }
    if len(shapes.get(output, ())) != 1:
        return {}
    x = model._vectors(batch.x)
    more = {
        k: np.repeat(a, x.shape[1], axis=1).astype(model.dtype)
        for k, a in held_inputs(shapes, {}, len(x)).items()
    }
    width, losses = shapes[output][0], []
    for unit in (None, *range(width)):
        free = more[FREE + output].copy()
        free[:, :, [] if unit is None else unit] = 0
        inputs = {model.cell.graph.leaves("sequence")[0].name: x, **more, FREE + output: free}
        run = unroll(cell, model._cell_params(), inputs=inputs, lengths=batch.lengths)
        z = run[output][batch.mask] @ model.params["readout.V"] + model.params["readout.d"]
        losses.append(LOSSES[model.task.loss].value(z, batch.y[batch.mask]).mean(dtype=np.float64))
    return {EFFECT: np.array(losses[1:]) - losses[0]}
