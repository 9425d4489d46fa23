"""The networks of notebook 21: one that drives a cart, and one that composes.

What a reader can do here: evolve a `Driver`; load the weights of one with `driver`, and watch it in the page
with `balancer`; load a network that composes with `composer`, and train it again with `train_composer`. The
files are written by ``python -m lstmcourse.course.uses``; a test takes the first steps again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import array, at_least, finite, given, instance, truth, whole
from ..errors import ShapeError
from ..files import tensors
from ..run.backends import backends
from ..run.unroll import unroll
from ..tasks import CartPole, Chords
from ..training import checkpoints, optim
from ..training.evolution import evolve
from ..training.fit import fit
from ..training.model import Model
from .balancer import Balancer, balancer_of, loop
from .music import NGram, compose, pitches, sound

__all__ = [
    "COMPOSER",
    "DRIVER",
    "Driver",
    "NGram",
    "balancer",
    "compose",
    "composer",
    "driver",
    "loop",
    "over_four",
    "pitches",
    "sound",
    "train_composer",
    "trial",
]

DRIVER, COMPOSER = (
    Path(__file__).with_name("models") / f"{name}.safetensors" for name in ("driver", "composer")
)
FORCE = 10.0  # the strongest push, in newtons
GENERATIONS = 150
TRIALS = 4  # in how many trials a candidate is scored


@dataclass(frozen=True)
class Driver:
    r"""A plain recurrent network that drives a cart; many of them, with different weights, run at once.

    :math:`h_t = \tanh(x_t W + h_{t-1} U + b)`, and the force is :math:`10 \tanh(h_t v)`. Its weights are one
    row of `size` numbers: W, U, b, v. Without memory there is no U.

    Parameters
    ----------
    cart : CartPole
        What it drives; says what it sees.
    units : int
        H.
    memory : bool
        Whether the state is carried on.

    Examples
    --------
    >>> Driver(units=4).size, Driver(units=8, memory=False).size
    (32, 32)
    """

    cart: CartPole = CartPole()
    units: int = 4
    memory: bool = True

    def __post_init__(self):
        instance("cart", self.cart, CartPole, "CartPole()")
        whole("units", self.units, 1, 1000)
        truth("memory", self.memory)

    @property
    def size(self) -> int:
        """How many weights there are."""
        D, H = self.cart.input_size, self.units
        return D * H + H * H * self.memory + H + H

    def params(self, weights: Any) -> dict[str, np.ndarray]:
        """Return W_h (..., D, H), U_h (..., H, H), b_h (..., H) and v (..., H, 1) of weights (..., n).

        Examples
        --------
        >>> {name: p.shape for name, p in Driver().params(np.zeros((5, 32))).items()}
        {'W_h': (5, 2, 4), 'U_h': (5, 4, 4), 'b_h': (5, 4), 'v': (5, 4, 1)}
        """
        weights = finite("weights", array("weights", weights))
        if weights.ndim < 1 or weights.shape[-1] != self.size:
            raise ShapeError(f"weights has shape {weights.shape}; {self!r} needs (..., {self.size})")
        D, H, M = self.cart.input_size, self.units, self.memory
        W, U, b, v = np.split(weights, np.cumsum([D * H, H * H * M, H]), axis=-1)
        lead = weights.shape[:-1]
        U = U.reshape(*lead, H, H) if M else np.zeros((*lead, H, H))
        return {"W_h": W.reshape(*lead, D, H), "U_h": U, "b_h": b, "v": v.reshape(*lead, H, 1)}

    def drive(self, weights: Any, starts: Any) -> np.ndarray:
        """Return for how many steps the pole is kept up, (P, E).

        Parameters
        ----------
        weights : array (P, n)
            Of P networks.
        starts : array (4, E)
            The states that each of them begins from.

        Examples
        --------
        >>> driver = Driver()
        >>> driver.drive(np.zeros((1, driver.size)), driver.cart.starts(5, rng=0))
        array([[37, 30, 31, 27, 39]])
        """
        p, starts = self.params(weights), finite("starts", array("starts", starts))
        if p["b_h"].ndim != 2 or starts.ndim != 2:
            raise ShapeError(
                f"weights has shape {np.shape(weights)} and starts {starts.shape}; "
                "(P, n) and (4, E) are needed"
            )
        state = np.repeat(starts[:, None], len(p["b_h"]), axis=1)  # (4, P, E)
        h, before = np.zeros((*state.shape[1:], self.units)), state
        up, kept = np.ones(state.shape[1:], bool), np.zeros(state.shape[1:], int)
        for _ in range(self.cart.steps):
            h = np.tanh(self.cart.view(state, before) @ p["W_h"] + h @ p["U_h"] + p["b_h"][:, None])
            before, state = state, self.cart.move(state, FORCE * np.tanh(h @ p["v"])[..., 0])
            up &= self.cart.upright(state)
            kept += up
            if not up.any():
                break
        return kept

    def score(self, weights: Any, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return the mean number of steps in four trials that all networks share, (P,), as `evolve` asks.

        Examples
        --------
        >>> driver = Driver()
        >>> driver.score(np.zeros((2, driver.size)), np.random.default_rng(0))
        array([33.5, 33.5])
        """
        return self.drive(weights, self.cart.starts(TRIALS, rng)).mean(axis=1)

    @given(generations=at_least(0, 1_000_000), seed=at_least(0))
    def evolved(self, generations: int = GENERATIONS, *, seed: int = 0, executor: Any = None) -> np.ndarray:
        """Return weights (n,) after some generations, from small random ones.

        Examples
        --------
        >>> Driver().evolved(2).shape
        (32,)
        """
        first = 0.1 * np.random.default_rng(seed).standard_normal(self.size)
        return evolve(self.score, first, generations, seed=seed, executor=executor).weights


def driver() -> np.ndarray:
    """Return the weights (32,) of the stored driver: 4 units with memory, which see the positions alone.

    Examples
    --------
    >>> kept = Driver().drive(driver()[None], CartPole().starts(20, rng=0))
    >>> int(kept.min())
    500
    """
    return tensors.read(DRIVER)[0]["weights"]


def trial(params: Any, starts: Any, *, steps: int = 500, push: Any = 0.0) -> Any:
    """Run `loop`, the cart and its driver, from some states, whether the pole falls or not.

    Parameters
    ----------
    params : dict
        As `Driver.params` gives them for one row of weights.
    starts : array (4, E)
        Where to begin.
    steps : int
        How long.
    push : float or array (steps, E)
        A force from outside, in newtons, to the right.

    Returns
    -------
    Run
        "position", "speed", "angle", "spin" and "force" are (steps, E, 1), "h" is (steps, E, H).

    Examples
    --------
    >>> run = trial(Driver().params(driver()), CartPole().starts(3, rng=0))
    >>> run["h"].shape, bool(np.abs(run["angle"]).max() < 0.2)
    ((500, 3, 4), True)
    """
    starts = finite("starts", array("starts", starts)).astype(np.float64)
    if starts.ndim != 2 or len(starts) != 4:
        raise ShapeError(f"starts has shape {starts.shape}; (4, E) is needed")
    push = np.broadcast_to(
        finite("push", array("push", push, "iuf")).astype(np.float64),
        (whole("steps", steps, 1, 1_000_000), starts.shape[1]),
    )
    names = ("position", "speed", "angle", "spin")
    state = dict(zip(names, starts[..., None], strict=True))
    return unroll(loop, params, push[..., None], state=state)


def balancer(weights: Any = None) -> Balancer:
    """Return a page in which a driver balances its pole: watch it, push it, take its memory away.

    Parameters
    ----------
    weights : array (32,), optional
        Of a ``Driver()``; the stored one if not given.

    Examples
    --------
    >>> balancer()
    Balancer: A pole on a cart that a network of 4 units drives, which sees positions alone.
    """
    weights = driver() if weights is None else array("weights", weights, ndim=1, axes="(32,)")
    params = Driver().params(weights.astype(np.float64))
    run = trial(params, CartPole().starts(50, rng=1), steps=200)
    h, spin = over_four(run["h"]), over_four(run["spin"]).ravel()
    h = np.concatenate([h, np.ones((*h.shape[:2], 1))], axis=-1)
    return balancer_of(params, np.linalg.lstsq(h.reshape(len(spin), -1), spin, rcond=None)[0])


def over_four(values: Any) -> np.ndarray:
    """Return means over four steps, (T - 3, ...): the driver's force swings with a period of four.

    Examples
    --------
    >>> over_four([0.0, 1.0, 2.0, 3.0, 4.0])
    array([1.5, 2.5])
    """
    values = finite("values", array("values", values))
    if values.ndim < 1 or len(values) < 4:
        raise ShapeError(f"values has shape {values.shape}; at least four steps are needed, (T, ...)")
    return np.mean([values[k : len(values) - 3 + k] for k in range(4)], axis=0)


UNITS, BATCH = 48, 16
COMPOSING = {"steps": 3000, "learning_rate": 3e-2}
SOON = 40  # updates after which the loss is noted in the file


def _new_composer(seed: int = 0, dtype: Any = np.float32) -> Model:
    return Model("lstm", Chords(), UNITS, rng=np.random.default_rng(seed), dtype=dtype)


@given(seed=at_least(0), stop=at_least(1, COMPOSING["steps"]))
def train_composer(seed: int = 0, *, stop: int = COMPOSING["steps"]) -> Model:
    """Train an LSTM on phrases for four voices, in about a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters and the phrases. The stored composer has 0.
    stop : int
        The update after which to stop, of 3,000.

    Returns
    -------
    Model
    """
    model, steps = _new_composer(seed), COMPOSING["steps"]
    adam, cosine = optim.Adam(COMPOSING["learning_rate"]), optim.Cosine(steps)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, stop, backend=backends()[-1], **how)
    return model


def composer() -> Model:
    """Return the stored composer in float64: what it draws is then the same on every machine.

    Examples
    --------
    >>> model = composer()
    >>> phrase = model.sample("|", 32, rng=0)
    >>> len(model.task.faults(phrase))
    8
    """
    stored = checkpoints.load(COMPOSER)
    return _new_composer(dtype=np.float64).with_params(
        {name: p.astype(np.float64) for name, p in stored.params.items()}
    )


def main() -> None:
    """Train both networks and write their files."""
    tensors.write(DRIVER, {"weights": Driver().evolved()}, {"generations": str(GENERATIONS), "seed": "0"})
    soon = train_composer(stop=SOON).evaluate("validation").loss
    checkpoints.save(COMPOSER, train_composer(), facts=COMPOSING | {"seed": 0, "loss soon": soon})


if __name__ == "__main__":
    main()
