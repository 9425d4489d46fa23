"""Panels of sliders: move a number with mouse or keyboard, and see what it does.

`state_panel` lets a reader feel the state of a small cell: sliders for its weights and for a short input, and
the states at every step as numbers and as a picture. `gate_panel`, `update_panel` and `belt_panel` do so for
one layer of an LSTM, one update of its cell state, and several; `clock_panel` shows which module of a
clockwork network computes when. `Panel` is what they are made of: named sliders, and a function from their
values to HTML. What computes and draws is pure, so that a test can ask it directly.
"""

from lstmcourse.widgets.clock import clock_panel, clock_series
from lstmcourse.widgets.drawing import strips, table
from lstmcourse.widgets.gates import (
    belt_panel,
    belt_series,
    gate_panel,
    gate_values,
    update_panel,
    update_values,
)
from lstmcourse.widgets.panel import Panel, Slider
from lstmcourse.widgets.state import arrays_of, places, series_of, state_panel

__all__ = [
    "Panel",
    "Slider",
    "arrays_of",
    "belt_panel",
    "belt_series",
    "clock_panel",
    "clock_series",
    "gate_panel",
    "gate_values",
    "places",
    "series_of",
    "state_panel",
    "strips",
    "table",
    "update_panel",
    "update_values",
]
