"""Panels of sliders: move a number with mouse or keyboard, and see what it does.

`state_panel` lets a reader feel the state of a small cell: sliders for its weights and for a short input, and
the states at every step as numbers and as a picture. `Panel` is what it is made of: named sliders, and a
function from their values to HTML. What computes and draws is pure, so that a test can ask it directly.
"""

from lstmcourse.widgets.panel import Panel, Slider
from lstmcourse.widgets.state import arrays_of, places, series_of, state_panel, strips, table

__all__ = ["Panel", "Slider", "arrays_of", "places", "series_of", "state_panel", "strips", "table"]
