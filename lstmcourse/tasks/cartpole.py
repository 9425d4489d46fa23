"""`CartPole`: a cart with a pole on it, which falls unless the cart is pushed at the right time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import array, at_least, choice, finite, generator, given, whole
from ..errors import ShapeError

SIGHTS = ("all", "positions", "two frames")


@dataclass(frozen=True)
class CartPole:
    """A pole hinged to a cart on a track; it is to be kept upright by pushing the cart left and right [1]_.

    A state is ``(4, ...)``: the cart's position (m), its speed, the pole's angle from upright (rad), and its
    angular speed. A step takes 0.02 s. It is over when the pole leans more than 12 degrees, or the cart is
    more than 2.4 m from the middle. Cart and pole weigh 1 and 0.1 kg, the pole is 1 m long.

    Whoever sees all four numbers knows all there is to know: the process is Markov. Who sees the positions
    alone does not: the same picture asks for a push to the left or to the right, depending on which way the
    pole is falling.

    Parameters
    ----------
    sees : {"positions", "all", "two frames"}
        What `view` shows: position and angle; all four numbers; position and angle now and a step before.
    steps : int
        After so many steps the pole has been kept up.

    References
    ----------
    .. [1] A. G. Barto, R. S. Sutton, C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
       learning control problems", IEEE Trans. Systems, Man, and Cybernetics 13(5), 1983.

    Examples
    --------
    >>> cart = CartPole()
    >>> state = cart.starts(3, rng=0)
    >>> state.shape, cart.view(state).shape
    ((4, 3), (3, 2))
    >>> for step in range(60):  # nobody pushes
    ...     state = cart.move(state, 0.0)
    >>> cart.upright(state)
    array([False, False, False])
    """

    sees: str = "positions"
    steps: int = 500

    def __post_init__(self):
        choice("sees", self.sees, SIGHTS)
        whole("steps", self.steps, 1)

    @property
    def input_size(self) -> int:
        """How many numbers `view` gives."""
        return 2 if self.sees == "positions" else 4

    @given(count=at_least(1, 1_000_000))
    def starts(self, count: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return states near upright, (4, count): each number is uniform from -0.05 to 0.05.

        Examples
        --------
        >>> CartPole().starts(2, rng=1).round(3)
        array([[ 0.001,  0.045],
               [-0.036,  0.045],
               [-0.019, -0.008],
               [ 0.033, -0.009]])
        """
        return generator("rng", rng, default=0).uniform(-0.05, 0.05, (4, count))

    def move(self, state: Any, force: Any) -> np.ndarray:
        """Return the state a step later, when a force (N, to the right) acts on the cart.

        Examples
        --------
        >>> CartPole().move(np.zeros(4), 10.0).round(3)
        array([ 0.   ,  0.195,  0.   , -0.293])
        """
        x, v, angle, spin = _four("state", state)
        sin, cos = np.sin(angle), np.cos(angle)
        push = (finite("force", array("force", force, "iuf")) + 0.05 * spin**2 * sin) / 1.1
        turn = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        gain = push - 0.05 * turn * cos / 1.1
        return np.stack([x + 0.02 * v, v + 0.02 * gain, angle + 0.02 * spin, spin + 0.02 * turn])

    def upright(self, state: Any) -> np.ndarray:
        """Say whether the pole is within 12 degrees of upright, and the cart within 2.4 m of the middle.

        Examples
        --------
        >>> bool(CartPole().upright([0, 0, 0.3, 0]))
        False
        """
        x, _, angle, _ = _four("state", state)
        return (np.abs(x) < 2.4) & (np.abs(angle) < np.pi / 15)

    def view(self, state: Any, before: Any = None) -> np.ndarray:
        """Return what is seen of a state, (..., 2) or (..., 4), in units of the limits.

        Parameters
        ----------
        state : array (4, ...)
            Now.
        before : array (4, ...), optional
            A step before, for "two frames"; the same as now if not given.

        Examples
        --------
        >>> CartPole().view([1.2, 5, 0, 7])
        array([0.5, 0. ])
        >>> CartPole("two frames").view([1.2, 5, 0, 7], [0.6, 5, 0, 7])
        array([0.5 , 0.  , 0.25, 0.  ])
        """
        x, v, angle, spin = _four("state", state)
        old = _four("before", state if before is None else before)
        seen = [x / 2.4, angle / (np.pi / 15)]
        if self.sees == "all":
            seen = [seen[0], v, seen[1], spin]
        if self.sees == "two frames":
            seen += [old[0] / 2.4, old[2] / (np.pi / 15)]
        return np.stack(seen, axis=-1)


def _four(name: str, state: Any) -> np.ndarray:
    state = finite(name, array(name, state))
    if state.ndim < 1 or len(state) != 4:
        raise ShapeError(f"{name} has shape {state.shape}; four numbers are needed, (4, ...)")
    return state
