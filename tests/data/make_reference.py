"""Make the frozen arrays that the cells are compared with where PyTorch is not installed.

    python tests/data/make_reference.py

Needs PyTorch (float64, one thread). cells.npz holds for every cell, under its name, the input, initial states
and parameters, drawn from a seed, the gradients given at every step and for the last states, and what PyTorch
makes of them by the equations in tests/transcriptions.py: all states at every step, and every gradient.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))
import transcriptions  # noqa: E402 - it lies in the folder above

FILE = HERE / "cells.npz"


def reference(name):
    """All arrays of one cell."""
    text = transcriptions.EQUATIONS[name]
    T, H = (9 if name == "clockwork" else 5), 4  # the slowest module ticks again after 8 steps
    a = transcriptions.draw(text, [0, *map(ord, name)], T=T, H=H)
    return a | transcriptions.differentiate(text, a, **transcriptions.known(name, H))


if __name__ == "__main__":
    arrays = {f"{name}/{k}": v for name in transcriptions.EQUATIONS for k, v in reference(name).items()}
    np.savez_compressed(FILE, **arrays)
    print(FILE)
