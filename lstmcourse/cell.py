"""A recurrent cell: the equations of its paper, written once as a Python function.

    @cell
    def rnn(x, h):
        h = tanh(affine("h", h, x))
        return h

`cell` traces the function once and makes a `Cell`; everything else is derived from the trace: parameters
(`Cell.init`), a step (`Cell.step`), a whole sequence (`lstmcourse.unroll`), equations (`Cell.latex`), a
picture (`Cell.diagram`), and the programs that run it (`Cell.source`). The signature says what the cell is
given: see `static`, `noise`, `clock`, `state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .engine import initial, lines, nested, variants
from .engine.chance import without_chance
from .engine.definition import Definition
from .engine.signature import Input, by_name, clock, noise, sequence, signature, state, static
from .run import cost, recipe
from .run.cost import Operations
from .run.recipe import Compiled
from .run.step import NextState, one_step
from .views import latex

__all__ = ["Cell", "Input", "NextState", "cell", "clock", "noise", "sequence", "state", "static"]

Size = int | None
Sizes = Mapping[str, int] | None


class Cell(Definition):
    """A recurrent cell, made by `cell`, `stack` or `bidirectional`; not changed afterwards.

    What it is, its states, names and sizes: see `lstmcourse.engine.definition`.
    """

    def __call__(
        self, *args: Any, scope: str | None = None, weights: str | None = None, **kwargs: Any
    ) -> Any:
        """Use the cell inside another one: its parameters live in a scope of their own.

        Parameters
        ----------
        args : Node
            The input (unless the cell has none), then the states.
        scope, weights : str
            Prefix of its names, by default the cell's name; and that of an earlier call, to share parameters.
        kwargs : Node or option
            Static inputs, noise, clock, options.

        Returns
        -------
        Node or tuple of Node
            Next states, then emitted outputs.
        """
        return nested.use(self, args, scope, weights, kwargs)

    def init(
        self,
        input_size: Size = None,
        hidden_size: Size = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
        *,
        sizes: Sizes = None,
        forget_bias: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw parameters in the way that is usual for the cell.

        Input weights by Glorot & Bengio (2010), recurrent weights orthogonal (Saxe et al. 2014), biases 0,
        but the forget gate's 1 (Gers et al. 2000; Jozefowicz et al. 2015). A cell may say otherwise.

        Parameters
        ----------
        input_size, hidden_size : int
            D and H.
        rng : numpy.random.Generator or int, optional
            Source of random numbers, or a seed.
        dtype : dtype
            float32 for training, float64 for checks. The numbers are the same up to rounding.
        sizes : mapping, optional
            Other sizes by name.
        forget_bias : float, optional
            Where the bias ``b_f`` starts, in every layer.

        Returns
        -------
        dict of str to ndarray

        Examples
        --------
        >>> import lstmcourse as lc
        >>> params = lc.cells.lstm.init(input_size=3, hidden_size=5, rng=0)
        >>> params["W_f"].shape, params["U_f"].shape, params["b_f"]
        ((3, 5), (5, 5), array([1., 1., 1., 1., 1.], dtype=float32))
        """
        return initial.draw(self, rng, dtype, forget_bias, input_size, hidden_size, sizes)

    def operations(
        self, input_size: Size = None, hidden_size: Size = None, steps: int = 256, sizes: Sizes = None
    ) -> Operations:
        """Count the multiply-adds of matrix products in a forward run of one sequence, the clock from 0.

        This is what the equations need: nothing for units that are not due (`cells.clockwork`), nor for
        weights that a mask holds at 0. Programs multiply for all units, and choose. See `run.cost`.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.clockwork.operations(input_size=4, hidden_size=16, steps=8).recurrent
        array([160,  64, 112,  64, 144,  64, 112,  64])
        >>> print(lc.cells.clockwork.operations(input_size=4, hidden_size=16))
        98 of 160 recurrent multiply-adds a step are due (61%); 64 for the input
        """
        return cost.operations(self, steps, input_size, hidden_size, sizes)

    # variants

    def with_options(self, **options: Any) -> Cell:
        """The same family with other options.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> [p for p in lc.cells.peephole.with_options(peepholes="o").parameter_shapes(1, 1) if p[0] == "p"]
        ['p_o']
        """
        return variants.with_options(self, options)

    def variant(self, name: str, doc: str, *, init: Mapping[str, Any] | None = None, **options: Any) -> Cell:
        """A member of the family, with a name, a description, and perhaps starts of parameters of its own.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.peephole.variant("peeking", "Only the output gate sees c.", peepholes="o").name
        'peeking'
        """
        return variants.variant(self, name, doc, {} if init is None else init, options)

    def override(self, **values: float) -> Cell:
        """The same cell with named equations held at a value, ``override(f=1.0)``; parameters stay."""
        return variants.hold(self, values)

    def hold(self, values: Mapping[str, float]) -> Cell:
        """As `override`, for names with a scope: ``hold({"0.f": 1.0})``."""
        return variants.hold(self, values)

    def compiled(self, *way: Any, **more: Any) -> Compiled:
        """The programs for one way of running the cell; see `run.recipe.programs`."""
        return recipe.programs(self, *way, **more)

    def step(
        self,
        params: Mapping[str, np.ndarray],
        x: np.ndarray | None = None,
        state: Mapping[str, Any] | None = None,
        sizes: Sizes = None,
        **inputs: np.ndarray,
    ) -> NextState:
        """One step, computed equation by equation as the author wrote them.

        Parameters
        ----------
        params : dict
        x : ndarray, shape (B, D)
            The step's input.
        state, sizes : dict, optional
            Each state, (B, H), and the clock if there is one; what is missing starts as the cell says.
        inputs : ndarray
            Static inputs (B, ...), and this step's noise (B, ...).

        Returns
        -------
        NextState
            Next states by name; also readable: everything else that has a name.
        """
        return one_step(self, params, x, state, inputs, sizes)

    @property
    def latex(self) -> str:
        """The equations as LaTeX, one line each."""
        return latex.latex(self)

    def equations(self, *names: str) -> Any:
        """Some of the equations, by the names that they give a value; all if none is named. Displays itself.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.lstm.equations("f", "c")
        f_t = sigmoid(h_{t-1} U_f + x_t W_f + b_f)
        c_t = f_t * c_{t-1} + i_t * g_t
        """
        return latex.some(self, names)

    def definition(self, *names: str) -> str:
        """The function as its author wrote it; or only the lines that give these names a value.

        It is a ValueError where the source is not at hand, as for a function typed at a prompt.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> print(lc.cells.lstm.definition("f", "c"))
        f = sigmoid(affine("f", h, x))  # forget gate
        c = f * c + i * g
        """
        return lines.written(self, names)

    def diagram(self, **options: Any) -> Any:
        """One step as a picture; displays itself. See `lstmcourse.views.diagram`."""
        from .views.diagram import diagram

        return diagram(self, **options)

    def folded(self) -> Any:
        """The loop, as one module whose state comes back to it; displays itself."""
        from .views.diagram import folded

        return folded(self)

    def unrolled(self, steps: int = 4) -> Any:
        """The loop laid out in time, as copies of one module; displays itself."""
        from .views.diagram import unrolled

        return unrolled(self, steps=steps)

    def source(
        self, backend: str = "numpy", backward: bool = False, input_size: Size = None,
        hidden_size: Size = None, sizes: Sizes = None,
    ) -> str:  # fmt: skip
        """The generated program, forward or backward, as text made to be read.

        `backend` is ``"numpy"``; or ``"numba"`` for the loops that are compiled (what they call stands in
        `lstmcourse.compiled.kernels`; ``F`` is the dtype); or ``"javascript"`` for a module with both passes,
        made for arrays of the sizes that are given, see `lstmcourse.programs.javascript`.
        """
        return recipe.source(self, backend, backward, input_size, hidden_size, sizes)

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"


def cell(
    function: Callable | None = None,
    *,
    init: Mapping[str, Any] | None = None,
    letters: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Any:
    r"""Make a recurrent cell of a function that holds its equations.

    The first argument is the step's input (``x=None`` where there is none), arguments without a default are
    states, the others say by their default what they are. The function returns the next states, in the
    order of the arguments, then what it emits. It is run when the cell is defined, on graph nodes, and never
    again: chance comes from outside, as `noise`.

    Parameters
    ----------
    function : callable
        The equations, written with the functions of `lstmcourse`.
    init : mapping, optional
        How a parameter starts, by name, where it is not as usual: ``{"b_f": 1.0}``.
    letters : mapping, optional
        The paper's letters for names, in LaTeX: ``{"g": r"\tilde{C}"}``.
    name : str, optional
        By default the function's.

    Returns
    -------
    Cell

    Raises
    ------
    CellDefinitionError
        What cannot be traced, by name and with the line.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> @lc.cell
    ... def leaky(x, h):
    ...     h = 0.9 * h + lc.tanh(lc.affine("h", W=x))
    ...     return h
    >>> leaky
    <cell leaky: states h; parameters W_h, b_h>
    """
    if function is None:
        return lambda f: cell(f, init=init, letters=letters, name=name)
    inputs, options = signature(function)
    name = function.__name__ if name is None else name
    fields = (name, function, tuple(inputs), options, by_name("init", init), by_name("letters", letters))
    return without_chance(function, lambda: Cell(*fields))
