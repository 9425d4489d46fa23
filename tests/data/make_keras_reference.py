"""Make the frozen arrays that `lstmcourse.interop` is compared with where Keras is not installed.

    python tests/data/make_keras_reference.py [FILE]

Needs Keras 3 and PyTorch, on which it runs (float64, one thread). For each case the file holds weights drawn
from a seed, in the order of the model's ``get_weights()``, an input (B, T, D), the model's output at every
step, the last states of a single layer, the gradient given at every step, and the gradients of the weights
and of the input by PyTorch's autograd through Keras' equations, as its cells have them (``use_cudnn=False``);
its faster way is asserted to agree.
"""

import os
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "keras.npz"
CASES = {  # layer, its arguments, layers, both directions
    "rnn": ("SimpleRNN", {}, 1, False),
    "rnn_relu": ("SimpleRNN", {"activation": "relu"}, 1, False),
    "lstm": ("LSTM", {}, 1, False),
    "lstm_no_bias": ("LSTM", {"use_bias": False}, 1, False),
    "gru_after": ("GRU", {"reset_after": True}, 1, False),
    "gru_before": ("GRU", {"reset_after": False}, 1, False),
    "lstm_both": ("LSTM", {}, 2, True),
    "gru_after_both": ("GRU", {"reset_after": True}, 2, True),
    "gru_before_two": ("GRU", {"reset_after": False}, 2, False),
}
SIZES = {"B": 2, "T": 4, "D": 2, "H": 3}


def model(layer, arguments, layers, both, use_cudnn=False):
    """A Keras model of so many layers, in float64; with the last states of a single one."""
    import keras

    if layer != "SimpleRNN":
        arguments = arguments | {"use_cudnn": use_cudnn}

    x = y = keras.Input((None, SIZES["D"]), dtype="float64")
    states = []
    single = layers == 1 and not both
    for _ in range(layers):
        one = getattr(keras.layers, layer)(
            SIZES["H"], return_sequences=True, return_state=single, dtype="float64", **arguments
        )
        y = (keras.layers.Bidirectional(one, dtype="float64") if both else one)(y)
        if single:
            y, *states = y
    return keras.Model(x, [y, *states])


def outputs(net, x):
    """The output and the last states, as a list; Keras gives one alone as it is."""
    out = net(x)
    return list(out) if isinstance(out, list | tuple) else [out]


def case(name):
    """The arrays of one case."""
    import torch

    rng = np.random.default_rng([30, *map(ord, name)])
    net = model(*CASES[name])
    weights = [rng.uniform(-1, 1, a.shape) for a in net.get_weights()]
    net.set_weights(weights)
    x = rng.standard_normal((SIZES["B"], SIZES["T"], SIZES["D"]))
    tx = torch.tensor(x, requires_grad=True)
    y, *states = out = outputs(net, tx)
    fast = model(*CASES[name], use_cudnn="auto")
    fast.set_weights(weights)
    for one, other in zip(out, outputs(fast, x), strict=True):
        assert torch.max(torch.abs(one - other)) < 1e-12
    given = rng.standard_normal(tuple(y.shape))
    (y * torch.tensor(given)).sum().backward()
    found = {"x": x, "y": y, "given": given, "grad.x": tx.grad}
    found |= {f"last.{k}": s for k, s in enumerate(states)}
    for k, (a, w) in enumerate(zip(weights, net.weights, strict=True)):
        assert w.dtype == "float64" and (w.numpy() == a).all()
        found |= {f"weight.{k}": a, f"grad.{k}": w.value.grad}
    return {k: a.detach().numpy() if hasattr(a, "detach") else a for k, a in found.items()}


def in_float64():
    """Let Keras multiply float64 in float64: by its rule of promotion, the product of two is float32."""
    import keras
    import torch
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE.pop("float64", None)
    third = torch.full((1, 1), 1 / 3, dtype=torch.float64)
    assert keras.ops.matmul(third, third).item() == 1 / 3 * (1 / 3)


def make():
    """All arrays by name, ``lstm/weight.0``, and the version that made them."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch

    torch.set_num_threads(1)
    assert keras.config.backend() == "torch"
    in_float64()
    found = {f"{name}/{k}": a for name in CASES for k, a in case(name).items()}
    return found | {"made_by": np.array(f"keras {keras.__version__}")}


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    np.savez_compressed(file, **make())
    print(file)
