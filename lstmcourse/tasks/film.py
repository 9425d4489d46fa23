"""`Film`: name the event at every point of a film, where one frame alone does not tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from ..checks import array, at_least, finite, given, number, whole
from ..errors import ShapeError
from .base import Batch, Task, entropy

SCENES = (
    "an open safe",
    "a ring given",
    "two people at a table",
    "someone running",
    "two people face to face",
)
_EVENTS = (("heist", 0), ("interrogation", 2), ("chase", 3), ("duel", 4))  # the crime story
_EVENTS += (("proposal", 1), ("dinner", 2), ("race", 3), ("dance", 4))  # the romance
_SCENE = np.array([scene for _, scene in _EVENTS])
_TURNS = (0, 4)  # the events that open a story


class Limits(NamedTuple):
    """What an observer can reach at most: mean loss in nats and accuracy, each per frame."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Film(Task):
    """A film, frame by frame: what kind of event is happening now?

    A frame is five numbers, one for each kind of scene (`scenes`): how strongly the picture looks like it.
    The scene in view has 1, the others 0, and Gaussian noise is added to each. Eight events (`events` names
    the classes) share these five scenes. Two people at a table are a dinner in a romance and an interrogation
    in a crime story; someone running is a race or a chase; two people face to face dance or duel. Only the
    two scenes that open a story tell which it is: an open safe (heist) and a ring given (proposal). What a
    scene means is decided by the last of these, however long ago that was.

    The script is a Markov chain of events, started in its stationary distribution: at each frame the event
    goes on with probability `stay`. Otherwise the story turns with probability `turn` (a crime story by a
    proposal, a romance by a heist), or goes over to one of the story's other everyday events, all alike.

    Chance: the entropy of the events' frequencies. An observer of single frames can do no better than
    `memoryless_accuracy`, which is exact. `filter` gives the probabilities of the events given all frames so
    far (the forward algorithm), or given the last few: no observer can be better than these. `limits`
    averages their loss and accuracy over many films; `best` is that of the full filter, a mean over 5,000
    films of the default length (standard error 0.002 nats with the default options). To compare with a model
    on one batch, take `filter` on that batch.

    This task is the course's own; C. Olah, "Understanding LSTM Networks", 2015, has the sentence that it
    stands for. Splits: independent random keys; frames are continuous, so no film occurs in two.

    Parameters
    ----------
    length : int
        Frames of a film, unless ``stream(length=)`` says otherwise.
    noise : float
        Standard deviation of the noise; 0 shows the scene exactly.
    stay : float
        Probability that an event goes on at the next frame.
    turn : float
        Probability that the story turns when an event ends. A story lasts 1 / ((1 - stay) turn) frames on
        average: the smaller, the longer the memory that is needed.

    Notes
    -----
    x is ``(T, B, 5)``, y ``(T, B)``; every frame is scored.

    Examples
    --------
    >>> task = Film()
    >>> batch = task.batch(batch_size=4)
    >>> batch.x.shape, [task.events[k] for k in batch.y[:3, 0]]
    ((50, 4, 5), ['heist', 'chase', 'interrogation'])
    >>> round(task.chance, 3), round(task.memoryless_accuracy, 3), round(task.limits().accuracy, 2)
    (2.072, 0.581, 0.87)
    """

    name: ClassVar[str] = "film"

    length: int = 50
    noise: float = 0.3
    stay: float = 0.5
    turn: float = 0.2

    def __post_init__(self):
        whole("length", self.length, 1)
        number("noise", self.noise, 0, float("inf"))
        number("stay", self.stay, 0, 1 - 1e-9)
        number("turn", self.turn, 0, 1, open_ends=True)

    @property
    def scenes(self) -> tuple[str, ...]:
        """What each of the five features of a frame looks for."""
        return SCENES

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(event for event, _ in _EVENTS)

    @property
    def input_size(self) -> int:
        """5 scenes."""
        return len(SCENES)

    @property
    def output_size(self) -> int:
        """8 events."""
        return len(_EVENTS)

    # The script ---------------------------------------------------------------------------------------------

    @property
    def transition(self) -> np.ndarray:
        """Probabilities ``(8, 8)`` of the next event (columns) given this one (rows).

        Examples
        --------
        >>> Film().transition[0].tolist()
        [0.5, 0.13..., 0.13..., 0.13..., 0.1, 0.0, 0.0, 0.0]
        """
        A = np.zeros((8, 8))
        for k in range(8):
            story = range(0, 4) if k < 4 else range(4, 8)
            A[k, _TURNS[k < 4]] = self.turn
            others = [j for j in story if j not in (k, *_TURNS)]
            A[k, others] = (1 - self.turn) / len(others)
        return self.stay * np.eye(8) + (1 - self.stay) * A

    @property
    def frequencies(self) -> np.ndarray:
        """Probabilities ``(8,)`` of the events at any one frame."""
        A = np.vstack([self.transition.T - np.eye(8), np.ones(8)])
        return np.linalg.lstsq(A, np.eye(9)[8], rcond=None)[0]

    @property
    def chance(self) -> float:
        """Entropy of the events' frequencies."""
        return entropy(self.frequencies)

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent event."""
        return float(self.frequencies.max())

    @property
    def best(self) -> float:
        """Mean loss of the full filter over films of the default length."""
        return self.limits().loss

    # Observers ----------------------------------------------------------------------------------------------

    @property
    def memoryless_accuracy(self) -> float:
        """Highest accuracy that is possible from one frame alone, by quadrature (error below 1e-9).

        Of the events that share a scene the best guess is the more frequent, so scene j counts with the
        weight w_j of that event. The guess is the scene with the largest ``x_j + noise**2 ln w_j``, and given
        the scene in view the five features are independent, which leaves an integral in one variable.
        """
        w = np.array([self.frequencies[_SCENE == j].max() for j in range(5)])
        if self.noise == 0:
            return float(w.sum())
        z = np.linspace(-10, 10, 4001)
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        right = 0.0
        for j in range(5):
            others = np.ones_like(z)
            for k in set(range(5)) - {j}:
                others *= _normal_cdf(z + 1 / self.noise + self.noise * np.log(w[j] / w[k]))
            right += w[j] * float((density * others).sum() * (z[1] - z[0]))
        return float(right)

    def filter(self, x: np.ndarray, window: int | None = None) -> np.ndarray:
        """Probabilities of the events at each frame, given the frames so far.

        Parameters
        ----------
        x : ndarray
            ``(T, B, 5)`` frames.
        window : int, optional
            How many frames are seen, the present one included: 1 is an observer without memory. By default
            all.

        Returns
        -------
        ndarray
            ``(T, B, 8)`` float64. With ``noise=0`` the frames must be free of noise.

        Examples
        --------
        >>> import numpy as np
        >>> task = Film(noise=0)
        >>> frames = np.eye(5)[[0, 3, 3]][:, None]  # an open safe, someone running, twice
        >>> p = task.filter(frames)[:, 0]
        >>> [task.events[k] for k in p.argmax(axis=-1)], p.max(axis=-1)
        (['heist', 'chase', 'chase'], array([1., 1., 1.]))
        >>> task.filter(frames, window=1)[2, 0, [2, 6]]           # chase or race?
        array([0.5, 0.5])
        """
        x = finite("x", array("x", x)).astype(np.float64)
        if x.ndim != 3 or x.shape[-1] != 5:
            raise ShapeError(f"x has shape {x.shape}; frames have shape (T, B, 5)")
        if window is not None:
            whole("window", window, 1)
        likelihood = self._likelihood(x)
        T, A, start = len(x), self.transition, self.frequencies
        if window is not None and window < T:
            p = _normalise(start * likelihood)
            for _ in range(window - 1):
                p = _normalise(np.concatenate([start * likelihood[:1], (p[:-1] @ A) * likelihood[1:]]))
            return p
        out = np.empty(likelihood.shape)
        prior = np.broadcast_to(start, likelihood.shape[1:])
        for t in range(T):
            out[t] = _normalise(prior * likelihood[t])
            prior = out[t] @ A
        return out

    def _likelihood(self, x):
        """Likelihood (T, B, 8) of each event's scene, up to a factor for each frame."""
        if self.noise == 0:
            return (x > 0.5)[..., _SCENE].astype(float)
        fit = x / self.noise**2  # |x - e_j|^2 = const - 2 x_j
        return np.exp(fit - fit.max(-1, keepdims=True))[..., _SCENE]

    @given(window=at_least(1), length=at_least(1, 10**5))
    def limits(self, window: int | None = None, length: int | None = None) -> Limits:
        """Loss and accuracy of the best observer that sees the last `window` frames (all, by default).

        A mean over films that are always the same, of `length` frames (by default the task's): 5,000 of
        them, or fewer long ones, with 400,000 frames in all, but at least 500.

        Examples
        --------
        >>> task = Film()
        >>> task.limits(window=1).accuracy < task.limits(window=5).accuracy < task.limits().accuracy
        True
        """
        return _limits(self, window, self.length if length is None else length)

    # Streams ------------------------------------------------------------------------------------------------

    def _check(self, split, length):
        pass

    def _draw(self, rng, split, batch_size, length, dtype):
        T = self.length if length is None else length
        y = np.empty((T, batch_size), np.int64)
        first, steps = _sums(self)
        u, rows = rng.random((T, batch_size)), np.arange(batch_size)
        after = np.empty((*u.shape, 8), np.uint8)  # the event at t, after each other one
        for k in range(8):
            after[..., k] = np.searchsorted(steps[k], u, side="right")
        now = np.searchsorted(first, u[:1], side="right")[0] if T else None
        for t in range(T):
            y[t] = now = after[t, rows, now] if t else now
        x = rng.standard_normal((T, batch_size, 5), dtype) * dtype.type(self.noise)
        x += np.eye(5, dtype=dtype)[_SCENE[y]]
        return Batch(x, y, np.ones(y.shape, bool))


@lru_cache(maxsize=64)
def _limits(task: Film, window: int | None, length: int) -> Limits:
    films = min(5000, max(500, 400_000 // max(length, 1) // 100 * 100))
    batch = task.batch("all", batch_size=films, seed=2015, length=length, dtype=np.float64)
    loss, hits = [], []
    for x in np.split(batch.x, films // 100, axis=1):  # a hundred at a time stay in the processor's cache
        p = task.filter(x, window)
        # Given the frames, the expected loss is the entropy of p, and the chance of a hit is its maximum.
        loss.append(-(p * np.log(np.where(p > 0, p, 1))).sum(-1).mean())
        hits.append(p.max(-1).mean())
    return Limits(float(np.mean(loss)), float(np.mean(hits)))


@lru_cache(maxsize=64)
def _sums(task: Film) -> tuple[np.ndarray, np.ndarray]:
    """Bounds between the events in [0, 1): of the first one (7,), and of the next one given this, (8, 7)."""
    return np.cumsum(task.frequencies)[:-1], np.cumsum(task.transition, 1)[:, :-1]


def _normalise(p: np.ndarray) -> np.ndarray:
    p /= p @ np.ones((8, 1))  # several times faster than a sum along a short axis
    return p


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    from math import erfc

    return np.array([erfc(-v / 2**0.5) / 2 for v in z])
