"""Recurrent networks that say how probable the next input is, without a latent variable: what VRNN and STORN
are compared with (Chung et al. 2015).
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from __future__ import annotations

import numpy as np

from ..cell import cell, noise, state
from ..engine.graph import Dim, Node
from ..engine.layers import affine, table
from ..engine.ops import expand, logsumexp, minimum, reshape, softmax, sum, where
from .lstm import lstm
from .options import count
from .variational import LETTERS as VARIATIONAL
from .variational import gaussian, hidden, nll_gaussian

LETTERS = VARIATIONAL | {"log_w": r"\log w", "nlls": r"\mathcal{L}^{x,k}"}


def mixture(dec: Node, components: int) -> tuple[Node, Node, Node]:
    """Unscaled log weights (K,), means and standard deviations (K, D) of a mixture of Gaussians."""
    mu, sigma = gaussian("x", Dim.of("D") * components, W=dec)
    log_w = affine("w", W=dec, size=components)
    return log_w, reshape(mu, components, "D"), reshape(sigma, components, "D")


@cell(letters=LETTERS)
def density_rnn(x, h, c, components=1):
    """An LSTM that expects each input by a Gaussian: RNN-Gauss of Chung et al. (2015).

    With several `components` it is a mixture of them, RNN-GMM. It emits nll, in nats.
    """
    dec = hidden("dec", U=h)
    if count("components", components) == 1:
        mu_x, sigma_x = gaussian("x", "D", W=dec)
        nll = nll_gaussian(x, mu_x, sigma_x)
    else:
        log_w, mu_x, sigma_x = mixture(dec, components)
        nlls = nll_gaussian(expand(x, -2), mu_x, sigma_x)
        nll = logsumexp(log_w) - logsumexp(log_w - nlls)
    h, c = lstm(hidden("phi_x", W=x), h, c)
    return h, c, nll


@cell(letters=LETTERS)
def density_rnn_sample(e_x=noise("D"), h=state("H"), c=state("H"), u=noise(1), components=1):
    """What a `density_rnn` expects: x is drawn by e_x, standard normal.

    u, uniform in [0, 1), chooses one of several components.
    """
    dec = hidden("dec", U=h)
    if count("components", components) == 1:
        mu_x, sigma_x = gaussian("x", "D", W=dec)
    else:
        log_w, mu, sigma = mixture(dec, components)
        k = table("k", np.arange, components)
        M = table("M", lambda K, _: np.triu(np.ones((K, K))), components, components)
        passed = expand(sum(where(softmax(log_w) @ M <= u, 1.0, 0.0)))  # how many weights u lies beyond
        chosen = expand(where(k == minimum(passed, components - 1.0), 1.0, 0.0))
        mu_x, sigma_x = sum(chosen * mu, -2), sum(chosen * sigma, -2)
    x = mu_x + sigma_x * e_x
    h, c = lstm(hidden("phi_x", W=x), h, c)
    return h, c, x
