"""Recurrent networks with a latent variable at each step: STORN (Bayer & Osendorfer 2014) and the VRNN (Chung
et al. 2015).

Each emits two losses a step, in nats: nll, of the input under what is expected of it, and kl, of the
posterior against the prior. Their sum over time is a bound on the negative log likelihood, and both are 0 at
padded steps. The noise e is standard normal, given by the caller. The cells called ``..._sample`` draw from
the prior instead, with the parameters of the trained cell that are theirs (`Cell.own`).
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from __future__ import annotations

import math

from ..cell import cell, noise, state
from ..engine.graph import Node
from ..engine.layers import affine, concat
from ..engine.ops import identity, log, relu, sigmoid, softplus, square, sum, tanh, where
from .lstm import lstm
from .options import one_of

LETTERS = {
    "phi_x": r"\varphi^x",
    "phi_z": r"\varphi^z",
    "log_odds": r"\ell",
    "nll": r"\mathcal{L}^x",
    "kl": r"\mathcal{L}^z",
    "x_past": r"x^{\mathrm{past}}",
    "e": r"\varepsilon",
    "e_x": r"\varepsilon^x",
}
LEAST = 1e-4  # added to each standard deviation


def gaussian(label: str, size: str, **operands: Node) -> tuple[Node, Node]:
    """Mean and standard deviation, each from a layer: ``mu_label`` and ``sigma_label``."""
    mu = affine(f"mu_{label}", size=size, **operands)
    return mu, softplus(affine(f"sigma_{label}", size=size, **operands)) + LEAST


def divergence(mu: Node, sigma: Node, mu_0: Node | float = 0.0, sigma_0: Node | None = None) -> Node:
    """KL divergence of one diagonal Gaussian from another, by default from the standard normal one."""
    if sigma_0 is None:
        return sum(0.5 * (square(mu) + square(sigma) - 1.0) - log(sigma))
    spread = (square(sigma) + square(mu - mu_0)) / (2.0 * square(sigma_0))
    return sum(log(sigma_0) - log(sigma) + spread - 0.5)


def nll_gaussian(x: Node, mu: Node, sigma: Node) -> Node:
    """Negative log density of x under independent Gaussians."""
    return sum(0.5 * square((x - mu) / sigma) + log(sigma) + 0.5 * math.log(2.0 * math.pi))


def nll_bernoulli(x: Node, log_odds: Node) -> Node:
    """Negative log probability of x, 0 or 1, under independent coins."""
    return sum(softplus(log_odds) - x * log_odds)


def are_coins(output: str) -> bool:
    """Whether x is 0 and 1."""
    return one_of("output", output, ("gaussian", "bernoulli")) == "bernoulli"


def hidden(label: str, **operands: Node) -> Node:
    """A hidden layer of F units."""
    return relu(affine(label, size="F", **operands))


@cell(letters=LETTERS)
def vrnn(x, h, c, e=noise("Z"), output="gaussian"):
    """Variational recurrent network (Chung et al. 2015): prior, posterior and output all see the past, h.

    `output` is "gaussian", or "bernoulli" for inputs of 0 and 1.
    """
    phi_x = hidden("phi_x", W=x)
    prior = hidden("prior", U=h)
    mu_0, sigma_0 = gaussian("0", "Z", W=prior)
    enc = hidden("enc", W=phi_x, U=h)
    mu, sigma = gaussian("z", "Z", W=enc)
    z = mu + sigma * e
    phi_z = hidden("phi_z", W=z)
    dec = hidden("dec", W=phi_z, U=h)
    if are_coins(output):
        log_odds = affine("x", W=dec, size="D")
        nll = nll_bernoulli(x, log_odds)
    else:
        mu_x, sigma_x = gaussian("x", "D", W=dec)
        nll = nll_gaussian(x, mu_x, sigma_x)
    kl = divergence(mu, sigma, mu_0, sigma_0)
    h, c = lstm(concat(phi_x, phi_z), h, c)
    return h, c, nll, kl


@cell(letters=LETTERS)
def vrnn_sample(e=noise("Z"), h=state("H"), c=state("H"), e_x=noise("D"), output="gaussian"):
    """What a VRNN expects: z is drawn from the prior, and x by e_x.

    e_x is standard normal, or for "bernoulli" uniform in [0, 1). Its parameters are those of `vrnn` without
    the posterior's.
    """
    prior = hidden("prior", U=h)
    mu_0, sigma_0 = gaussian("0", "Z", W=prior)
    z = mu_0 + sigma_0 * e
    phi_z = hidden("phi_z", W=z)
    dec = hidden("dec", W=phi_z, U=h)
    if are_coins(output):
        log_odds = affine("x", W=dec, size="D")
        x = where(e_x < sigmoid(log_odds), 1.0, 0.0)
    else:
        mu_x, sigma_x = gaussian("x", "D", W=dec)
        x = mu_x + sigma_x * e_x
    phi_x = hidden("phi_x", W=x)
    h, c = lstm(concat(phi_x, phi_z), h, c)
    return h, c, x


@cell(letters=LETTERS)
def storn(x, h, r=state("H"), x_past=state("D"), e=noise("Z"), output="gaussian"):
    """Stochastic recurrent network (Bayer & Osendorfer 2014): it reads the last x and a z of its own.

    z is standard normal at each step, whatever came before. r is the state of the network that recognises
    it from all of x so far. `output` is "gaussian", or "bernoulli" for inputs of 0 and 1.
    """
    r = tanh(affine("r", r, x))
    mu, sigma = gaussian("z", "Z", W=r)
    z = mu + sigma * e
    h = tanh(affine("h", U=h, W=x_past, Z=z))
    if are_coins(output):
        log_odds = affine("x", W=h, size="D")
        nll = nll_bernoulli(x, log_odds)
    else:
        mu_x, sigma_x = gaussian("x", "D", W=h)
        nll = nll_gaussian(x, mu_x, sigma_x)
    kl = divergence(mu, sigma)
    x_past = identity(x)
    return h, r, x_past, nll, kl


@cell(letters=LETTERS)
def storn_sample(z=noise("Z"), h=state("H"), x=state("D"), e_x=noise("D"), output="gaussian"):
    """What a STORN expects: z is standard normal, and x drawn by e_x, for "bernoulli" uniform in [0, 1).

    Its parameters are those of the network that generates in `storn`.
    """
    h = tanh(affine("h", U=h, W=x, Z=z))
    if are_coins(output):
        log_odds = affine("x", W=h, size="D")
        x = where(e_x < sigmoid(log_odds), 1.0, 0.0)
    else:
        mu_x, sigma_x = gaussian("x", "D", W=h)
        x = mu_x + sigma_x * e_x
    return h, x
