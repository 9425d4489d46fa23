"""DRAW (Gregor, Danihelka, Graves, Rezende & Wierstra 2015): a picture is drawn in steps."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from __future__ import annotations

import numpy as np

from ..cell import cell, noise, state, static
from ..engine.graph import Dim, Node
from ..engine.layers import affine, concat, split, table
from ..engine.ops import constant, exp, expand, matmul, maximum, reshape, sigmoid, softmax, square, sum, swap
from .lstm import lstm
from .options import count, flag

LETTERS = {
    "canvas": "c",
    "error": r"\hat{x}",
    "h_enc": r"h^{\mathrm{enc}}",
    "c_enc": r"m^{\mathrm{enc}}",
    "h_dec": r"h^{\mathrm{dec}}",
    "c_dec": r"m^{\mathrm{dec}}",
    "log_sigma": r"\log\sigma",
    "kl": r"\mathcal{L}^z",
    "e": r"\varepsilon",
    "g_x": r"\tilde{g}_X",
    "g_y": r"\tilde{g}_Y",
    "log_var": r"\log\sigma^2",
    "log_delta": r"\log\tilde{\delta}",
    "log_gamma": r"\log\gamma",
    "mu_x": r"\mu_X",
    "mu_y": r"\mu_Y",
    "F_x": "F_X",
    "F_y": "F_Y",
}


@cell(letters=LETTERS)
def window(h, N=5):
    """An N by N grid of Gaussian filters on a picture X wide and Y tall, whose pixels are numbered from 1.

    Emitted are F_x (N, X) and F_y (N, Y), whose rows sum to 1, and the intensity gamma.
    """
    g_x, g_y, log_var, log_delta, log_gamma = split(affine("window", W=h, size=5), 5)
    X, Y = constant(Dim.of("X")), constant(Dim.of("Y"))
    k = table("k", lambda N: np.arange(1, N + 1) - N / 2 - 0.5, N)
    delta = (maximum(X, Y) - 1.0) / max(N - 1, 1) * exp(log_delta)  # the filters' distance
    mu_x = (X + 1.0) / 2.0 * (g_x + 1.0) + k * delta  # where their centres are
    mu_y = (Y + 1.0) / 2.0 * (g_y + 1.0) + k * delta
    width = 2.0 * expand(exp(log_var))
    F_x = softmax(-square(table("a", lambda X: np.arange(1, X + 1), "X") - expand(mu_x)) / width)
    F_y = softmax(-square(table("b", lambda Y: np.arange(1, Y + 1), "Y") - expand(mu_y)) / width)
    gamma = exp(log_gamma)
    return F_x, F_y, gamma


def read_from(x: Node, error: Node, h: Node, attention: bool, N: int) -> Node:
    """What the encoder sees of the picture and of what is missing on the canvas."""
    count("read", N)
    if not flag("attention", attention):
        return concat(flat(x), flat(error))
    F_x, F_y, gamma = window(h, N=N, scope="read")

    def glimpse(image: Node) -> Node:
        return flat(matmul(matmul(F_y, image), swap(F_x)))

    return gamma * concat(glimpse(x), glimpse(error))


def written(h: Node, attention: bool, N: int) -> Node:
    """What is added to the canvas, (Y, X)."""
    count("write", N)
    if not flag("attention", attention):
        return reshape(affine("w", W=h, size=Dim.of("Y") * Dim.of("X")), "Y", "X")
    F_x, F_y, gamma = window(h, N=N, scope="write")
    patch = reshape(affine("w", W=h, size=N * N), N, N)
    return matmul(matmul(swap(F_y), patch), F_x) / expand(gamma)


def flat(image: Node) -> Node:
    """A picture as a row."""
    height, width = image.shape
    return reshape(image, height * width)


@cell(letters=LETTERS)
def draw(
    x=static("Y", "X"),
    canvas=state("Y", "X", init="learned"),
    h_enc=state("H", init="learned"),
    c_enc=state("H"),
    h_dec=state("H", init="learned"),
    c_dec=state("H"),
    e=noise("Z"),
    attention=False,
    read=2,
    write=5,
):
    """DRAW (Gregor et al. 2015): an encoder looks at a picture and at a canvas, a decoder adds to the canvas.

    The picture (B, Y, X) holds probabilities, 0 to 1, the canvas their log odds. With `attention` the
    encoder sees `read` by `read` places through Gaussian filters, and the decoder writes a patch of `write`
    by `write` places. The loss is the cross-entropy of the last canvas, ``run.final["canvas"]``, and kl,
    summed over the steps. The noise e is standard normal, given by the caller.

    Training, compiled, keeps 6 X Y + 23 H + 9 Z + 1 numbers for each step and picture; with `attention`
    X Y + 23 H + 9 Z, the canvas and the two LSTMs, and a few for each place of the windows.
    """
    error = x - sigmoid(canvas)
    r = read_from(x, error, h_dec, attention, read)
    h_enc, c_enc = lstm(concat(r, h_dec), h_enc, c_enc, scope="enc")
    mu = affine("mu", W=h_enc, size="Z")
    log_sigma = affine("sigma", W=h_enc, size="Z")
    z = mu + exp(log_sigma) * e
    kl = sum(0.5 * (square(mu) + exp(2.0 * log_sigma) - 1.0) - log_sigma)
    h_dec, c_dec = lstm(z, h_dec, c_dec, scope="dec")
    canvas = canvas + written(h_dec, attention, write)
    return canvas, h_enc, c_enc, h_dec, c_dec, kl


@cell(letters=LETTERS)
def draw_sample(
    z=noise("Z"),
    canvas=state("Y", "X", init="learned"),
    h_dec=state("H", init="learned"),
    c_dec=state("H"),
    attention=False,
    write=5,
):
    """What DRAW draws by itself: z comes from the prior, which is standard normal.

    Its parameters are those of the decoder in `draw` (`Cell.own`), its options as there.
    """
    h_dec, c_dec = lstm(z, h_dec, c_dec, scope="dec")
    canvas = canvas + written(h_dec, attention, write)
    return canvas, h_dec, c_dec
