"""Whatever ends a training, at whichever line: resumed from its file it is the same, bit for bit."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from lstmcourse.checkpoints import load

import lstmcourse as lc

ROOM = os.path.join(os.path.dirname(lc.__file__), "")
LOOP = tuple(ROOM + os.path.join("training", f"{name}.py") for name in ("fit", "steps", "resume", "history"))
LOOP += (ROOM + os.path.join("files", "whole.py"),)
LSTM = lc.cells.lstm
MODELS = {
    "Model": lambda: lc.Model(LSTM, lc.tasks.Text(modules=("textwrap",), length=4), 2, embedding=2),
    "Latent": lambda: lc.Latent(
        "vrnn", lc.tasks.Tones(frames=2, size=2), 2, sizes={"Z": 2, "F": 2}, warmup=3
    ),
    "Seq2Seq": lambda: lc.Seq2Seq(
        LSTM, "additive_attention", lc.tasks.Translation(clauses=1), 2, embedding=2, dtype=np.float64
    ),
    "Captioner": lambda: lc.Captioner("attend_and_tell", lc.tasks.Scenes(objects=1), 2, embedding=2),
}
HOW = {"validate_every": 1, "validation_batches": 1, "patience": 5, "checkpoint_every": 1}


def trained(make, path, **how):
    model = make()
    lc.fit(model, 2, batch_size=2, seed=3, progress=False, backend="numpy", checkpoint=path, **HOW, **how)
    return model


def traced(make, path, end=lambda: None, at=0):
    """Train, and end that at one line of the loop, or of what writes its file; return how many there were."""
    count = 0

    def line(frame, event, argument):
        nonlocal count
        count += 1
        if count == at:
            end()
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: line if frame.f_code.co_filename in LOOP else None)
    try:
        trained(make, path)
    except KeyboardInterrupt:  # after the training, or before it
        pass
    finally:
        sys.settrace(before)
    return count


def interrupted():
    raise KeyboardInterrupt


def killed(make, path, at):
    """Train in a process that is killed, as by a signal that nobody handles."""
    if not hasattr(os, "fork"):
        pytest.skip("processes are not forked on this system")
    if (child := os.fork()) == 0:
        traced(make, path, lambda: os._exit(9), at)
        os._exit(9)
    os.waitpid(child, 0)


def held(path):
    file = load(path)
    file.arrays["history"].pop("seconds")
    groups = {"params": file.params, **file.arrays}
    return {(group, name): a.tobytes() for group in groups for name, a in groups[group].items()}


@pytest.mark.parametrize("kind", MODELS)
def test_resumed_after_an_end_at_any_line_it_is_the_same(kind, tmp_path):
    make, rng = MODELS[kind], random.Random(kind)
    straight = trained(make, tmp_path / "straight")
    lines = traced(make, tmp_path / "traced")
    assert held(tmp_path / "traced") == held(tmp_path / "straight")
    for k in range(4):
        path, at = tmp_path / str(k), rng.randint(1, lines)
        if k % 2:
            killed(make, path, at)
        else:
            traced(make, path, interrupted, at)
        resumed = trained(make, path, resume=True)
        assert all(np.array_equal(p, straight.params[name]) for name, p in resumed.params.items()), at
        assert held(path) == held(tmp_path / "straight"), at
    assert not list(Path(tmp_path).glob(".*"))  # what was left behind is swept
