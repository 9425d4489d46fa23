"""Weights to and from other libraries' layouts: plain arrays on both sides, and no library but NumPy.

PyTorch's ``state_dict`` by `to_torch` and `from_torch`, Keras' weights by `to_keras` and `from_keras`:

    net = torch.nn.LSTM(3, 5)
    net.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(lc.cells.lstm, params).items()})
    params = from_torch(lc.cells.lstm, net.state_dict())

    net = keras.layers.LSTM(5)
    net.build((None, None, 3))
    net.set_weights(to_keras(lc.cells.lstm, params))
    params = from_keras(lc.cells.lstm, net.get_weights())

`save_torch`, `load_torch`, `save_keras` and `load_keras` do the same with safetensors files.

===============================  ===================================  ========================================
here                             PyTorch                              Keras
===============================  ===================================  ========================================
``rnn``, ``rnn_relu``            ``nn.RNN``, with ``"relu"``          ``SimpleRNN``, with ``"relu"``
``lstm``                         ``nn.LSTM``                          ``LSTM``
``gru_reset_after``              ``nn.GRU``                           ``GRU``
``gru``, ``reset="after"``       ``nn.GRU``, z negated                ``GRU``, z negated
``gru_cho``                      none                                 ``GRU(reset_after=False)``
``gru``                          none                                 ``GRU(reset_after=False)``, z negated
``stack([a, a])``                ``num_layers=2``                     a model of two layers
``bidirectional(a)``             ``bidirectional=True``               ``Bidirectional(a)``
``stack([bidirectional(a)]*2)``  both                                 a model of two of those
===============================  ===================================  ========================================

How the conventions differ, docs/conventions.md tells. The orders of the gates are the tables `PYTORCH` and
`KERAS` in `interop/table.py`; but for these, PyTorch's matrices are Keras' transposed.

A cell fits by its equations, not by its name: a cell of your own that computes what ``lstm`` does, with
parameters and states of the same names, fits too, and one that is called ``lstm`` and differs is refused.
"""

from .keras import from_keras, load_keras, save_keras, to_keras
from .torch import from_torch, load_torch, save_torch, to_torch

__all__ = [
    "from_keras",
    "from_torch",
    "load_keras",
    "load_torch",
    "save_keras",
    "save_torch",
    "to_keras",
    "to_torch",
]
