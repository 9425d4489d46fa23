"""Attention: the state decides at each step what is read (Bahdanau et al. 2014, Xu et al. 2015)."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..cell import Cell, Input, cell, clock, state, static
from ..engine.graph import Dim, Node
from ..engine.layers import affine, mean, param, split, table
from ..engine.ops import (
    constant,
    expand,
    logsumexp,
    matmul,
    minimum,
    reshape,
    sigmoid,
    softmax,
    sqrt,
    sum,
    swap,
    tanh,
    where,
)
from .options import flag, one_of

NEVER = -1e9  # a score whose share is 0


def from_the_first(a: Node) -> Node:
    """The decoder's start: a layer over the first annotation."""
    first, _ = split(a, 1, Dim.of("L") + -1, axis=-2)
    return tanh(affine("init", W=reshape(first, "A")))


@cell(letters={"h": "s", "g": r"\tilde{s}", "alpha": r"\alpha", "there": r"\mathrm{there}"})
def additive_attention(y, h=state("H", init=from_the_first), a=static("L", "A"), n=static(1)):
    """A decoder with additive attention (Bahdanau, Cho & Bengio 2014): a gated unit that reads annotations.

    The scores come from the state before this step. `a` holds L annotations of a source, in the paper a
    bidirectional network's states, and n (B, 1) says how many there are, from 1: the rest is padding. The
    paper starts from the backward half of the first annotation, which here is a matter of W_init.

    Training, compiled, keeps 12 H + 2 L + A + D numbers for each step and sequence. So memory grows with T L;
    what the scores are summed from, K times as much, is computed again in the backward pass.
    """
    j = table("j", lambda L: np.arange(L) + 0.5, "L")  # middles of the positions
    there = j < n
    k = tanh(affine("a", W=expand(h, -2), U=a, size="K", bias=False))
    e = sum(k * param("v_a", "K", init="zeros"))  # scores
    alpha = softmax(where(there, e, NEVER))
    c = sum(expand(alpha) * a, -2)  # context
    z = sigmoid(affine("z", W=y, U=h, C=c))  # update gate
    r = sigmoid(affine("r", W=y, U=h, C=c))  # reset gate
    g = tanh(affine("g", W=y, U=r * h, C=c))  # candidate
    h = (1.0 - z) * h + z * g
    return h, c, alpha


def from_the_mean(label: str) -> Callable[[Node], Node]:
    """A start of a captioner: a layer over the mean of all annotations."""
    return lambda a: tanh(affine(label, W=mean(a, -2)))


def tell(attention: str = "soft") -> Cell:
    """Show, Attend and Tell (Xu et al. 2015): an LSTM that describes a picture and looks at parts of it.

    `a` holds L annotations of the picture. Soft attention reads their mean, weighted by alpha and by a gate
    beta of its own. Hard attention reads one of them, drawn with these probabilities: u, uniform in [0, 1),
    is given by the caller. No gradient goes through the draw; log_p, the log of its probability, is for the
    score function estimator (REINFORCE), and entropy is that of alpha.

    Training, compiled, keeps 19 H + 2 L + 2 A + D + 2 numbers for each step and sequence, of soft attention.

    Parameters
    ----------
    attention : {"soft", "hard"}

    Examples
    --------
    >>> tell("hard").emits
    ('z', 'alpha', 's', 'log_p', 'entropy')
    """
    hard = one_of("attention", attention, ("soft", "hard")) == "hard"
    inputs = [
        Input("sequence", ("D",), name="y"),
        Input("state", ("H",), from_the_mean("init_h"), name="h"),
        Input("state", ("H",), from_the_mean("init_c"), name="c"),
        Input("static", ("L", "A"), name="a"),
        *[Input("noise", (1,), name="u")] * hard,
    ]

    def attend_and_tell(y: Node, h: Node, c: Node, a: Node, **given: Any) -> tuple[Node, ...]:
        k = tanh(affine("a", W=a, U=expand(h, -2), size="K"))
        e = sum(k * param("v", "K", init="glorot"))  # scores
        alpha = softmax(e)
        if hard:
            u = given["u"]
            places = table("l", np.arange, "L")
            M = table("M", lambda L, _: np.triu(np.ones((L, L))), "L", "L")
            passed = expand(sum(where(alpha @ M <= u, 1.0, 0.0)))  # how many places u lies beyond
            s = where(places == minimum(passed, constant(Dim.of("L") + -1)), 1.0, 0.0)  # the place drawn
            log_alpha = e - expand(logsumexp(e))
            log_p = sum(s * log_alpha)
            entropy = -sum(alpha * log_alpha)
            z = sum(expand(s) * a, -2)
            more = alpha, s, log_p, entropy
        else:
            beta = sigmoid(affine("beta", U=h, size=1))  # how much it looks at all
            z = beta * sum(expand(alpha) * a, -2)
            more = alpha, beta
        i = sigmoid(affine("i", W=y, U=h, Z=z))  # input gate
        f = sigmoid(affine("f", W=y, U=h, Z=z))  # forget gate
        o = sigmoid(affine("o", W=y, U=h, Z=z))  # output gate
        g = tanh(affine("g", W=y, U=h, Z=z))  # candidate
        c = f * c + i * g
        h = o * tanh(c)
        return h, c, z, *more

    return Cell(
        "attend_and_tell",
        attend_and_tell,
        tuple(inputs),
        {"attention": attention},
        initial={"b_f": 1.0},
        letters={"z": r"\hat{z}", "alpha": r"\alpha", "beta": r"\beta", "log_alpha": r"\log\alpha",
                 "log_p": r"\log p", "entropy": r"\mathcal{H}"},
        doc=tell.__doc__ or "",
        maker=tell,
    )  # fmt: skip


attend_and_tell = tell()


@cell(letters={"alpha": r"\alpha"})
def self_attention(x, h, K=state("L", "H"), V=state("L", "H"), t=clock):
    """Causal self-attention (Vaswani et al. 2017), one head: a step looks at those before it, and at itself.

    Its state is a memory of the last L steps, keys K and values V, which older steps leave in turn. L is
    given by the state, or by ``unroll(..., sizes={"L": ...})``. Nothing reads h.

    Training, compiled, keeps 3 H L + 11 H + 3 L + D numbers for each step and sequence: K and V are states,
    and all states of all steps are kept. `self_attention_at_once` needs L H + L L for all L steps.
    """
    l = table("l", np.arange, "L")
    here = expand(l == t % constant(Dim.of("L")))
    q = affine("q", W=x, bias=False)  # query
    k = affine("k", W=x, bias=False)  # key
    v = affine("v", W=x, bias=False)  # value
    K = where(here, expand(k, -2), K)
    V = where(here, expand(v, -2), V)
    e = sum(K * expand(q, -2)) / sqrt(constant(Dim.of("H")))  # scores
    alpha = softmax(where(l <= t, e, NEVER))
    h = sum(expand(alpha) * V, -2)
    return h, K, V, alpha


@cell(letters={"alpha": r"\alpha"})
def self_attention_at_once(x=static("L", "D"), causal=True):
    """Self-attention (Vaswani et al. 2017), one head, over a whole sequence in one step.

    Each of L places looks at those before it and at itself, or unless `causal` at all of them. The
    parameters are those of `self_attention`.
    """
    q = affine("q", W=x, bias=False)  # queries
    k = affine("k", W=x, bias=False)  # keys
    v = affine("v", W=x, bias=False)  # values
    e = matmul(q, swap(k)) / sqrt(constant(Dim.of("H")))  # scores
    if flag("causal", causal):
        M = table("M", lambda L, _: np.tri(L), "L", "L")  # which place sees which
        alpha = softmax(where(M > 0.0, e, NEVER))
    else:
        alpha = softmax(e)
    h = matmul(alpha, v)
    return h, alpha
