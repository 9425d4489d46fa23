"""Checks of what the reader writes: they say whether it is right, and name the mistake where it is not.

`check` gives an exercise an answer; `ids` and `get` say which exercises there are, `progress` which are done.
They are declared in `lessons`, a module for each notebook.

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

from .cells import Mistake, check_cell
from .define import Exercise, check, get, ids
from .lstm import LSTM_MISTAKES, check_lstm
from .progress import Progress, progress
from .verdict import Verdict

__all__ = [
    "Exercise",
    "LSTM_MISTAKES",
    "Mistake",
    "Progress",
    "Verdict",
    "check",
    "check_cell",
    "check_lstm",
    "get",
    "ids",
    "progress",
]
