"""What a backward pass gives: gradients of parameters, states and inputs, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from ..aliases import unpickled
from ..checks import encodable
from ..engine.autodiff import gradient_name
from ..engine.definition import Definition
from ..errors import UnknownNameError, nearest

__all__ = ["Gradients"]


Arrays = Mapping[str, np.ndarray]


def skipped(cell: Definition, inputs: bool) -> tuple[str, ...]:
    """The inputs whose gradients nobody wants."""
    return () if inputs else tuple(i.name for i in cell.inputs if i.kind in ("sequence", "noise"))


def _names(cell: Definition) -> tuple:
    """Names of parameters, inputs and initial states with those of their gradients, and which are timed."""
    given = [i for i in cell.inputs if i.kind in ("sequence", "noise", "static")]
    return (
        [(p.name, gradient_name(p.name)) for p in cell.graph.params],
        [(i.name, gradient_name(i.name)) for i in given],
        [(f"{s}0", f"{gradient_name(s)}0") for s in cell.states],
        {i.name for i in given if i.kind != "static"},
    )


class Gradients(Mapping):
    """Gradients by name: of parameters (``"W_f"``), inputs (``"x"``) and initial states (``"h0"``).

    Attributes
    ----------
    params, inputs, states : dict
        Its three parts.
    """

    def __init__(self, cell: Definition, values: Mapping[str, np.ndarray], skip=()):
        if "gradients" not in cell._cache:
            cell._cache["gradients"] = _names(cell)
        self._names, self._values, self._skip = cell._cache["gradients"], values, skip
        self._timed = self._names[3]

    @cached_property
    def params(self) -> dict[str, np.ndarray]:
        """Of parameters."""
        return {name: self._values[key] for name, key in self._names[0]}

    @cached_property
    def inputs(self) -> dict[str, np.ndarray]:
        """Of inputs."""
        return {name: self._values[key] for name, key in self._names[1] if name not in self._skip}

    @cached_property
    def states(self) -> dict[str, np.ndarray]:
        """Of initial states."""
        return {name: self._values[key] for name, key in self._names[2]}

    def over(self, steps: int) -> Gradients:
        """Zeros like these, for another number of steps."""
        new = object.__new__(Gradients)
        new._timed = self._timed
        new.params = {k: np.zeros_like(g) for k, g in self.params.items()}
        new.inputs = {
            k: np.zeros((steps, *g.shape[1:]), g.dtype) if k in self._timed else np.zeros_like(g)
            for k, g in self.inputs.items()
        }
        new.states = {k: np.zeros_like(g) for k, g in self.states.items()}
        return new

    def add(self, part: Gradients, first: int) -> None:
        """Add those of a part of the sequence that begins at step `first`; the states' are its own."""
        for k, g in part.params.items():
            self.params[k] += g
        for k, g in part.inputs.items():
            if k in self._timed:
                self.inputs[k][first : first + len(g)] = g
            else:
                self.inputs[k] += g
        for k, g in part.states.items():
            self.states[k][...] = g

    def __getitem__(self, name: str) -> np.ndarray:
        for part in (self.params, self.inputs, self.states):
            if isinstance(name, str) and name in part:
                return part[name]
        raise UnknownNameError(
            f"name={name!r}: there is no gradient of {name!r}: {nearest(name, list(self))}"
        )

    def __iter__(self) -> Iterator[str]:
        return iter([*self.params, *self.inputs, *self.states])

    def __len__(self) -> int:
        return len(self.params) + len(self.inputs) + len(self.states)

    def __reduce__(self) -> tuple:
        """A pickle names the class by its public name, so that modules may move."""
        parts = {k: getattr(self, k) for k in ("params", "inputs", "states", "_timed")}
        return unpickled, ("Gradients", parts)

    def __repr__(self) -> str:
        return encodable("<gradients of " + ", ".join(f"{k} {v.shape}" for k, v in self.items()) + ">")
