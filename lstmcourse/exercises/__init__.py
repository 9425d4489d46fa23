"""Checks of what the reader writes: they say whether it is right, and name the mistake where it is not.

`check_lstm` compares a cell with the course's LSTM on random numbers, and displays a `Verdict`. It is one
call of `check_cell`, which takes any reference and any table of `Mistake` rows; `LSTM_MISTAKES` is the
LSTM's.

>>> import lstmcourse as lc
>>> from lstmcourse import exercises
>>> @lc.cell
... def my_lstm(x, h, c):
...     f = lc.sigmoid(lc.affine("f", h, x))
...     i = lc.sigmoid(lc.affine("i", h, x))
...     g = lc.tanh(lc.affine("g", h, x))
...     o = lc.sigmoid(lc.affine("o", h, x))
...     c = f * c + i * g
...     h = o * c
...     return h, c
>>> exercises.check_lstm(my_lstm)
Not yet: The line for c is right, but c reaches h as it is: the line for h lacks the squashing of the cell \
state.
"""

from .cells import Mistake, Verdict, check_cell
from .lstm import LSTM_MISTAKES, check_lstm

__all__ = ["LSTM_MISTAKES", "Mistake", "Verdict", "check_cell", "check_lstm"]
