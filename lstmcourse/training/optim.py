"""Optimisers, gradient clipping and learning-rate schedules.

What a reader can do here: choose an optimiser (`SGD`, `RMSProp`, `Adam`), start its memory with
``optimizer.init(params)``, and take a step in place with ``optimizer.update(params, grads, state)``;
bound the gradients with `clip_by_global_norm`; vary the learning rate over a run with a schedule
(`Constant`, `StepDecay`, `ExponentialDecay`, `Cosine`, `Warmup`), which is any callable from the number
of steps taken to a factor on the rate.

An optimiser is frozen configuration. What changes from step to step is the state, a plain dict of
arrays, so it can be written to a checkpoint as it is.
"""

from __future__ import annotations

import itertools
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import array, choice, mapping, number, truth, whole
from ..errors import DtypeError

__all__ = [
    "SGD", "Adam", "Constant", "Cosine", "ExponentialDecay", "Optimizer", "RMSProp", "StepDecay", "Warmup",
    "clip_by_global_norm", "get", "global_norm", "names",
]  # fmt: skip

Arrays = dict[str, np.ndarray]
ARRAYS = "of arrays by name"


# ------------------------------------------------------------------------------------------------- optimisers


@dataclass(frozen=True)
class Optimizer(ABC):
    """What all optimisers share: a learning rate, and one array of memory for each parameter and slot.

    A subclass names its slots and gives the rule for one parameter; see `SGD` for the shortest.
    """

    lr: float
    slots: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = False
    """Whether the rule treats each number by itself, so that it can take small parameters end to end."""

    def __init_subclass__(cls) -> None:
        if "_rule" in vars(cls):  # a rule of its own says for itself whether it does
            cls.elementwise = vars(cls).get("elementwise", False)

    def __post_init__(self) -> None:
        number("lr", self.lr, 0, math.inf, open_ends=True)

    def init(self, params: Mapping[str, np.ndarray]) -> Arrays:
        """Return the state before the first step: the step count, and zeros in every slot.

        Examples
        --------
        >>> Adam(1e-3).init({"W": np.ones((2, 3))})["m.W"].shape
        (2, 3)
        """
        for name, p in mapping("params", params, ARRAYS).items():
            array(f"params[{name!r}]", p, "fc")
        memory = {f"{slot}.{name}": np.zeros_like(p) for slot in self.slots for name, p in params.items()}
        return {"step": np.zeros((), dtype=np.int64)} | memory

    def update(
        self,
        params: Mapping[str, np.ndarray],
        grads: Mapping[str, np.ndarray],
        state: Arrays,
        factor: float = 1.0,
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` are only read.

        Parameters
        ----------
        params, grads : mapping of name to array
            The same names, shapes and dtype.
        state : dict
            From `init`, then changed by each update.
        factor : float
            What a schedule returns: multiplies the learning rate at this step.

        Raises
        ------
        ValueError
            Names or shapes of `params` and `grads` differ.
        TypeError
            Their dtypes differ.

        Examples
        --------
        >>> W = np.array([1.0, 2.0])
        >>> sgd = SGD(0.5)
        >>> sgd.update({"W": W}, {"W": np.array([1.0, -1.0])}, sgd.init({"W": W}))
        >>> W
        array([0.5, 2.5])
        """
        _same_layout(params, grads)
        number("factor", factor, 0, math.inf, without=math.inf)
        mapping("state", state, ARRAYS)
        missing = [k for k in ("step", *(f"{s}.{n}" for s in self.slots for n in params)) if k not in state]
        if missing:
            raise ValueError(
                f"state lacks {missing[0]!r}; it is what {type(self).__name__}.init(params) gives"
            )
        for slot, (name, p) in itertools.product(self.slots, params.items()):
            of = f"{slot}.{name}"
            memory = array(f"state[{of!r}]", state[of], "fc")
            if memory.shape != p.shape or memory.dtype != p.dtype or not memory.flags.writeable:
                raise ValueError(f"state[{of!r}] is not of its parameter's shape and dtype, or read-only")
        state["step"] += 1
        lr, step = self.lr * factor, int(state["step"])
        rows = [(p, grads[name], *(state[f"{s}.{name}"] for s in self.slots)) for name, p in params.items()]
        small = [self.elementwise and _is_small(row) for row in rows]
        if len({id(p) for p, *_ in rows}) < len(rows):  # one under two names takes two steps
            small = [False] * len(rows)
        large = list(itertools.compress(rows, map(operator.not_, small)))
        work = _work_space(p for p, *_ in large)
        for p, g, *memory in large:
            self._rule(p, g, memory, lr, step, work[: p.size].reshape(p.shape))
        if any(small):
            self._end_to_end(list(itertools.compress(rows, small)), lr, step)

    def _end_to_end(self, rows: list[tuple[np.ndarray, ...]], lr: float, step: int) -> None:
        """Apply the rule once to many parameters: each row has one, its gradient and its memory."""
        p, g, *memory = (np.concatenate([a.ravel() for a in arrays]) for arrays in zip(*rows, strict=True))
        self._rule(p, g, memory, lr, step, np.empty_like(p))
        stop = 0
        for own, _, *slots in rows:
            start, stop = stop, stop + own.size
            for a, new in zip((own, *slots), (p, *memory), strict=True):
                a[...] = new[start:stop].reshape(a.shape)

    @abstractmethod
    def _rule(
        self, p: np.ndarray, g: np.ndarray, memory: list[np.ndarray], lr: float, step: int, work: np.ndarray
    ) -> None:
        """Change `p` and `memory` in place by gradient `g` at 1-based `step`; `work` is scratch."""


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where asked for.

    The momentum is Polyak's (1964), or with `nesterov` that of Sutskever et al. (2013):
    u ← momentum·u + g;  p ← p − lr·u, and with `nesterov`  p ← p − lr·(g + momentum·u).

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(lr=0.1, momentum=0.9, nesterov=False)
    """

    lr: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    slots: ClassVar[tuple[str, ...]] = ("u",)
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        truth("nesterov", self.nesterov)
        number("momentum", self.momentum, 0, 1, without=1)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs momentum; got momentum=0, give one above 0 and below 1")

    def _rule(self, p, g, memory, lr, step, work):
        (u,) = memory
        u *= self.momentum
        u += g
        if self.nesterov:
            np.multiply(u, self.momentum, out=work)
            work += g
            work *= lr
        else:
            np.multiply(u, lr, out=work)
        p -= work


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Divide each gradient by a running root mean square of itself (Tieleman & Hinton 2012, lecture 6.5).

    v ← decay·v + (1 − decay)·g²;  p ← p − lr·g / (√v + eps).

    Examples
    --------
    >>> RMSProp(1e-2)
    RMSProp(lr=0.01, decay=0.99, eps=1e-08)
    """

    lr: float = 1e-2
    decay: float = 0.99
    eps: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("v",)
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        number("decay", self.decay, 0, 1, without=1)
        number("eps", self.eps, 0, math.inf, open_ends=True)

    def _rule(self, p, g, memory, lr, step, work):
        (v,) = memory
        _mean_square(v, g, self.decay, work)
        np.sqrt(v, out=work)
        work += self.eps
        np.divide(g, work, out=work)
        work *= lr
        p -= work


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments, corrected for bias (Kingma & Ba 2015).

    Weight decay, 0 unless given, is decoupled from the gradient (AdamW, Loshchilov & Hutter 2019):
    m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  p ← p − lr·weight_decay·p − lr·m̂ / (√v̂ + eps),
    with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t = 1, 2, ...

    Examples
    --------
    >>> Adam(1e-2)
    Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.0)
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        number("beta1", self.beta1, 0, 1, without=1)
        number("beta2", self.beta2, 0, 1, without=1)
        number("eps", self.eps, 0, math.inf, open_ends=True)
        number("weight_decay", self.weight_decay, 0, math.inf, without=math.inf)

    def _rule(self, p, g, memory, lr, step, work):
        m, v = memory
        np.multiply(g, 1 - self.beta1, out=work)
        m *= self.beta1
        m += work
        _mean_square(v, g, self.beta2, work)
        if self.weight_decay:
            p *= 1 - lr * self.weight_decay
        np.sqrt(v, out=work)
        work /= math.sqrt(1 - self.beta2**step)
        work += self.eps
        np.divide(m, work, out=work)
        work *= lr / (1 - self.beta1**step)
        p -= work


SMALL = 4096
"""Numbers of a parameter for which to call NumPy takes longer than what it does."""


def _is_small(row: tuple[np.ndarray, ...]) -> bool:
    """Whether a parameter is small, and neither it nor its memory is part of another array."""
    p, _, *memory = row
    return p.size <= SMALL and all(a.base is None for a in (p, *memory))


def _mean_square(v: np.ndarray, g: np.ndarray, decay: float, work: np.ndarray) -> None:
    """Update the mean in place: v ← decay·v + (1 − decay)·g²."""
    np.multiply(g, g, out=work)
    work *= 1 - decay
    v *= decay
    v += work


def _work_space(arrays) -> np.ndarray:
    """One flat scratch array as large as the largest of `arrays`: all the memory that an update takes."""
    arrays = list(arrays)
    return np.empty(max((a.size for a in arrays), default=0), dtype=arrays[0].dtype if arrays else float)


def _same_layout(params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
    for argument, given in (("params", params), ("grads", grads)):
        for name, a in mapping(argument, given, ARRAYS).items():
            array(f"{argument}[{name!r}]", a, "fc")
            if not isinstance(a, np.ndarray) or (argument == "params" and not a.flags.writeable):
                raise ValueError(
                    f"{argument}[{name!r}] is no array that can be changed in place; give a copy"
                )
    missing, extra = sorted(params.keys() - grads.keys()), sorted(grads.keys() - params.keys())
    if missing or extra:
        raise ValueError(
            "grads must have the names of params; "
            f"missing: {', '.join(missing) or 'none'}; not in params: {', '.join(extra) or 'none'}"
        )
    dtypes = {a.dtype for a in (*params.values(), *grads.values())}
    if len(dtypes) > 1:
        raise DtypeError(f"params and grads must share one dtype; these have {sorted(map(str, dtypes))}")
    for name, p in params.items():
        if grads[name].shape != p.shape:
            raise ValueError(f"grads[{name!r}] has shape {grads[name].shape}; its parameter has {p.shape}")


_OPTIMIZERS = {"sgd": SGD, "rmsprop": RMSProp, "adam": Adam}


def names() -> tuple[str, ...]:
    """Return the optimisers' names, as `get` takes them.

    Examples
    --------
    >>> names()
    ('sgd', 'rmsprop', 'adam')
    """
    return tuple(_OPTIMIZERS)


def get(name: str, **options) -> Optimizer:
    """Return the optimiser called `name` with these options, for choices that stand in a table of trials.

    Raises
    ------
    UnknownNameError
        No optimiser has that name; the nearest is suggested.

    Examples
    --------
    >>> get("sgd", lr=0.5)
    SGD(lr=0.5, momentum=0.0, nesterov=False)
    """
    choice("name", name, _OPTIMIZERS)
    return _OPTIMIZERS[name](**options)


# --------------------------------------------------------------------------------------------------- clipping


def global_norm(grads: Mapping[str, np.ndarray]) -> float:
    """Return the Euclidean norm of all gradients laid end to end.

    It is summed in float64, so that it is finite for every finite float32 gradient.

    Examples
    --------
    >>> global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])})
    5.0
    """
    return math.sqrt(
        sum(
            float(np.einsum("i,i->", flat, flat))
            for flat in map(_flat64, mapping("grads", grads, ARRAYS).values())
        )
    )


def _flat64(a: np.ndarray) -> np.ndarray:
    return array("grads", a, "f").astype(np.float64, copy=False).ravel()


def clip_by_global_norm(grads: Mapping[str, np.ndarray], max_norm: float) -> float:
    """Scale all gradients in place so that their global norm is at most `max_norm`; return the norm before.

    One factor for all, so that the direction is kept (Pascanu, Mikolov & Bengio 2013). Where the norm is
    not finite nothing is changed: the caller must look at what is returned.

    Parameters
    ----------
    grads : mapping of name to array
        Scaled in place.
    max_norm : float
        Above 0.

    Examples
    --------
    >>> grads = {"W": np.array([3.0]), "b": np.array([4.0])}
    >>> clip_by_global_norm(grads, 1.0)
    5.0
    >>> grads["W"].round(12), grads["b"].round(12)
    (array([0.6]), array([0.8]))
    """
    number("max_norm", max_norm, 0, math.inf, without=0)
    norm = global_norm(grads)
    if max_norm < norm < math.inf:
        for g in grads.values():
            g *= max_norm / norm
    return norm


# -------------------------------------------------------------------------------------------------- schedules

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Constant:
    """The learning rate as it is.

    Examples
    --------
    >>> Constant()(1000)
    1.0
    """

    def __call__(self, step: int) -> float:
        """Return the factor on the rate after `step` steps."""
        number("step", step, 0, math.inf, without=math.inf)
        return 1.0


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by `factor` after every `every` steps.

    Examples
    --------
    >>> [StepDecay(every=100, factor=0.5)(step) for step in (0, 99, 100, 250)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: int
    factor: float = 0.5

    def __post_init__(self) -> None:
        whole("every", self.every, 1)
        number("factor", self.factor, 0, 1, without=0)

    def __call__(self, step: int) -> float:
        """Return the factor on the rate after `step` steps."""
        number("step", step, 0, math.inf, without=math.inf)
        return float(self.factor ** (step // self.every))


@dataclass(frozen=True)
class ExponentialDecay:
    """Let the rate fall smoothly, to one half after every `half_life` steps.

    Examples
    --------
    >>> [ExponentialDecay(half_life=100)(step) for step in (0, 100, 200)]
    [1.0, 0.5, 0.25]
    """

    half_life: float

    def __post_init__(self) -> None:
        number("half_life", self.half_life, 0, math.inf, without=0)

    def __call__(self, step: int) -> float:
        """Return the factor on the rate after `step` steps."""
        number("step", step, 0, math.inf, without=math.inf)
        return float(0.5 ** (step / self.half_life))


@dataclass(frozen=True)
class Cosine:
    """Let the rate fall along half a cosine, from 1 to `floor` in `steps` steps (Loshchilov & Hutter 2017).

    Examples
    --------
    >>> [round(Cosine(steps=100)(step), 3) for step in (0, 50, 100, 150)]
    [1.0, 0.5, 0.0, 0.0]
    """

    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        whole("steps", self.steps, 1)
        number("floor", self.floor, 0, 1)

    def __call__(self, step: int) -> float:
        """Return the factor on the rate after `step` steps."""
        number("step", step, 0, math.inf, without=math.inf)
        done = min(step / self.steps, 1.0)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class Warmup:
    """Raise the rate in a straight line over `steps` steps, then follow `then`, counting from there.

    Examples
    --------
    >>> schedule = Warmup(steps=4, then=StepDecay(every=10))
    >>> [schedule(step) for step in (0, 1, 3, 4, 13, 14)]
    [0.25, 0.5, 1.0, 1.0, 1.0, 0.5]
    """

    steps: int
    then: Schedule = Constant()

    def __post_init__(self) -> None:
        whole("steps", self.steps, 1)
        if not callable(self.then):
            raise TypeError(f"then={self.then!r} does not fit: a schedule is needed, such as Cosine(100)")

    def __call__(self, step: int) -> float:
        """Return the factor on the rate after `step` steps."""
        number("step", step, 0, math.inf, without=math.inf)
        return (step + 1) / self.steps if step < self.steps else self.then(step - self.steps)
