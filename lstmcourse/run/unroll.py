"""Through time: `unroll` runs a cell over a sequence and gives a `Run`; `Run.backward` gives all gradients.

    run = unroll(cell, params, x)                 # x (T, B, D)
    run["h"], run["f"], run.final                 # states and named equations at every step; the last states
    grads = run.backward({"h": dh})               # grads["x"], grads["h0"], grads["W_f"]

Truncated back-propagation through time is ``unroll(..., state=run.final)``: no gradient crosses from one
run to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..engine.definition import Definition
from . import repeated
from .arguments import BY_NAME, Call
from .backends import check_backend
from .checkpointed import CheckpointedRun, steps_within
from .run import Run, run

__all__ = ["unroll"]


def unroll(
    cell: Definition,
    params: Mapping[str, np.ndarray],
    x: np.ndarray | None = None,
    *,
    state: Mapping[str, Any] | None = None,
    lengths: np.ndarray | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    backend: str | None = None,
    grad: bool = True,
    checkpoint_every: int | str | None = None,
    memory_limit: int | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    sizes: Mapping[str, int] | None = None,
    **more: np.ndarray,
) -> Run:
    """Run a cell over a sequence.

    Parameters
    ----------
    cell : Cell
    params : dict of str to ndarray
        As `Cell.init` gives them.
    x : ndarray, shape (T, B, D)
        The input, time first.
    state : mapping, optional
        Initial states by name, (B, H); a number for the clock. What is missing starts as the cell says
        (zeros as a rule). ``state=run.final`` goes on from an earlier run.
    lengths : ndarray of int, shape (B,), optional
        Where each sequence ends. Past its end the state is carried unchanged and no gradient flows; what x
        holds there, even NaN, changes nothing.
    steps, batch_size : int, optional
        T and B for a cell without input.
    backend : str, optional
        One of `backends`; if not given, what `use` says, or else ``"numpy"``. ``"numba"`` compiles the cell
        when it is first run in this way, which takes some seconds, once: what is compiled is kept in the
        user's cache folder. It is for float32 and float64; what it cannot do, it leaves to NumPy, and
        `Run.backend` says which of them ran. ``"reference"`` runs the two plain loops, in
        `engine/reference.py`, that define what a run gives: slow, and easy to read.
    grad : bool
        Whether `Run.backward` will be called; False stores less.
    checkpoint_every : int or "auto", optional
        Store the states at every k-th step and the output at every step, and nothing else: what the backward
        pass needs is computed again, k steps at a time. That takes about a third more time, and for large T a
        fraction of the memory; the least for k near the square root of T. The results agree to rounding.
        See `CheckpointedRun`. With ``"auto"``, k is the largest with which the run stays within
        `memory_limit`; where that is enough for all of it, nothing is computed again.
    memory_limit : int, optional
        With ``checkpoint_every="auto"``: bytes that the run and its gradients (of `output` and the last
        states) may take beside what was given. Programs, which are made once for each cell, and what is asked
        of the run later, such as ``run["f"]``, are not counted.
    inputs, more : ndarray
        Other inputs by name: static ones (B, ...), further sequences and noise (T, B, ...).
    sizes : mapping, optional
        Sizes by name that no array shows, such as that of a memory which starts empty: ``{"L": 8}``.

    Returns
    -------
    Run

    Raises
    ------
    ShapeError, DtypeError, UnknownNameError, ValueError, TypeError
        With the argument, what was given and what fits.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.rnn.init(input_size=2, hidden_size=3, rng=0, dtype=np.float64)
    >>> run = lc.unroll(lc.cells.rnn, params, np.zeros((5, 1, 2)))
    >>> run["h"].shape, run.final["h"].shape
    ((5, 1, 3), (1, 3))
    """
    asked = None
    if lengths is steps is batch_size is checkpoint_every is memory_limit is sizes is None:
        asked = repeated.asked(cell, params, x, state, inputs, more, grad, backend)
        if asked is not None and (again := repeated.again(cell, *asked)) is not None:
            return again
    checks.instance("cell", cell, Definition, "lstmcourse.cells.lstm, or a function under @cell", "Cell")
    checks.truth("grad", grad)
    given = dict(checks.mapping("inputs", inputs, BY_NAME, optional=True))
    for name in more:
        if name in given:
            raise ValueError(f"{name} was given twice, as {name}= and in inputs=; give it once")
    call = Call(cell, params, x, state, lengths, steps, batch_size, given | more, sizes)
    if x is None:  # no array that was given is as long as the run
        shape = f"steps={call.T}, batch_size={call.B}: a run of {cell.name}"
        checks.memory(shape, call.T * call.B * call.sizes.get("H", 1), call.dtype.itemsize)
    backend = check_backend(backend)
    _check_every(cell, checkpoint_every, memory_limit, backend)
    if checkpoint_every == "auto":
        checkpoint_every = steps_within(call, backend, grad, int(memory_limit))
    if checkpoint_every is not None and checkpoint_every < call.T:
        return CheckpointedRun(call, backend, grad, int(checkpoint_every))
    made = run(call, backend, grad)
    if asked is not None:
        repeated.note(made, *asked)
    return made


def _check_every(cell: Definition, every: Any, limit: Any, backend: str) -> None:
    auto = isinstance(every, str) and checks.choice("checkpoint_every", every, ["auto"]) == "auto"
    if auto and limit is None:
        raise ValueError(
            "checkpoint_every='auto' needs memory_limit=, the bytes that the run and its gradients may take"
        )
    if limit is not None:
        checks.whole("memory_limit", limit, 1)
        if not auto:
            raise ValueError(
                f"memory_limit={limit} goes with checkpoint_every='auto', and checkpoint_every="
                f"{checks.shown(every)} was given"
            )
    if auto and backend == "reference":
        raise ValueError(
            "checkpoint_every='auto': what backend='reference' keeps of a step is not known beforehand; give "
            "a number of steps, or another backend"
        )
    if every is None:
        return
    if not auto:
        checks.whole("checkpoint_every", every, 1)
    if any(s.reverse for s in cell.graph.states):
        raise ValueError(
            f"checkpoint_every={every}: {cell.name} reads sequences in both directions, so it cannot go "
            "on from a stored state; leave checkpoint_every= out"
        )
