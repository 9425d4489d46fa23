"""Store what the engine gives: numbers by which a change is noticed that makes stored studies stale.

    python tests/data/make_reference_outputs.py

reference_outputs.npz holds, from fixed seeds, every cell's states at every step and all its gradients; a few
steps of training by every optimiser on four small tasks; and the engine's revision for which all this holds.
Other numbers than those that are there are stored only once ENGINE_REVISION, in lstmcourse/revision.py, has
been raised.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import lstmcourse as lc
from lstmcourse.revision import ENGINE_REVISION

sys.path.append(str(Path(__file__).parents[1]))
from corner_cells import drawn, sizes_of  # noqa: E402 - it lies in the folder above
from training_toys import Averages, Cycle  # noqa: E402 - it lies in the folder above

FILE = Path(__file__).with_name("reference_outputs.npz")
NEAR = 1e-7  # of an array's largest number: far above rounding on any processor, far below any other formula

STEPS = 9  # clockwork's slowest module ticks again after 8
UPDATES = 6
TASKS = {
    "mse": Averages(),
    "bernoulli": Averages(loss="bernoulli", padded=False),
    "symbols": Cycle(padded=True, carried=False),
    "stream": Cycle(),
}


def outputs() -> dict[str, np.ndarray]:
    """All arrays, computed now, in float64."""
    cells = {f"cells/{name}/{k}": a for name in lc.cells.names() for k, a in ran(lc.cells.get(name)).items()}
    fits = {
        f"fits/{task}/{rule}/{k}": a
        for task in TASKS
        for rule in lc.optim.names()
        for k, a in trained(TASKS[task], rule).items()
    }
    return cells | fits


def ran(cell: lc.cell) -> dict[str, np.ndarray]:
    """What a cell gives from its own start, at every step, and every gradient."""
    rng = np.random.default_rng(0)
    params = cell.init(rng=rng, dtype=np.float64, **sizes_of(cell, D=3))
    params = {k: p + 0.1 * rng.standard_normal(p.shape) for k, p in params.items()}
    _, x, given = drawn(cell, T=STEPS, B=2, D=3, seed=rng, parameters=False)
    run = lc.unroll(cell, params, x, lengths=np.array([STEPS, STEPS - 2]), grad=True, **given)
    nexts = {s.next for s in cell.graph.states}  # what a state becomes may be emitted again
    emitted = [k for k, n in cell.graph.outputs.items() if not nexts.intersection(n.args)]
    states = {name: run[name] for name in (*cell.states, *emitted)}
    grads = run.backward({name: rng.standard_normal(a.shape) for name, a in states.items()})
    return states | {f"d {name}": g for name, g in grads.items()}


def trained(task: lc.tasks.Task, rule: str) -> dict[str, np.ndarray]:
    """What a few steps of training give, clipped and along a cosine, as in the studies."""
    model = lc.Model("lstm", task, hidden_size=4, rng=0, dtype=np.float64)
    optimizer, schedule = lc.optim.get(rule), lc.optim.Cosine(2 * UPDATES)
    history = lc.fit(model, UPDATES, batch_size=3, optimizer=optimizer, schedule=schedule, progress=False)
    test = model.evaluate(batches=2, batch_size=3)
    return {
        "loss": history.loss,
        "norm": history.norm,
        "test": np.array([test.loss, test.accuracy]),
    } | model.params


def differences(stored: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> list[str]:
    """Names of stored arrays that are gone or whose numbers are others now."""
    return [name for name, a in stored.items() if name != "revision" and not near(a, now.get(name))]


def near(a: np.ndarray, b: np.ndarray | None) -> bool:
    """Whether two arrays are the same but for rounding."""
    far = 1e-12 + NEAR * np.abs(a).max(initial=0)
    return b is not None and a.shape == b.shape and np.allclose(a, b, rtol=0, atol=far)


def stored() -> dict[str, np.ndarray]:
    """What the file holds."""
    with np.load(FILE) as file:
        return dict(file)


def main() -> int:
    """Write the file; refuse other numbers for the same revision."""
    now = outputs()
    if (
        FILE.exists()
        and (before := stored())["revision"] == ENGINE_REVISION
        and (other := differences(before, now))
    ):
        print(f"numbers changed: {', '.join(other)}\nraise ENGINE_REVISION in lstmcourse/revision.py first")
        return 1
    np.savez_compressed(FILE, revision=ENGINE_REVISION, **now)
    print(FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
