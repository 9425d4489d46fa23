"""Make the frozen arrays that `lstmcourse.interop` is compared with where PyTorch is not installed.

    python tests/data/make_interop.py

Needs PyTorch (float64, one thread). The file holds the weights of a two-layer bidirectional nn.LSTM, drawn
from a seed, under PyTorch's own names, an input, and what the module makes of it: h at every step, and the
last states.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "interop.npz"


def make():
    """The arrays by name: ``module.*``, ``x``, ``y``, ``h_n``, ``c_n``."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(20)
    net = torch.nn.LSTM(2, 3, num_layers=2, bidirectional=True, dtype=torch.float64)
    weights = {k: rng.uniform(-1, 1, tuple(v.shape)) for k, v in net.state_dict().items()}
    net.load_state_dict({k: torch.from_numpy(a) for k, a in weights.items()})
    x = rng.standard_normal((4, 2, 2))
    with torch.no_grad():
        y, (h, c) = net(torch.from_numpy(x))
    found = {"x": x, "y": y.numpy(), "h_n": h.numpy(), "c_n": c.numpy()}
    return {f"module.{k}": a for k, a in weights.items()} | found


if __name__ == "__main__":
    np.savez(FILE, **make())
    print(FILE)
