"""`Panel`: named sliders, and a function that turns their values into HTML.

The sliders are those of ipywidgets, which work by mouse and by keyboard. Their handles have no accessible
name of their own; ``names.js`` gives them one.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ..checks import function, given, instance, listed, mapping, real, text
from ..errors import UnknownNameError, nearest
from ..views.names import indexed
from ..views.style import HOSTS as _HOSTS
from ..views.style import css

__all__ = ["Panel", "Slider"]

_STYLE = (
    css(".lc-panel")
    + ".lc-panel{background:var(--lc-paper);color:var(--lc-ink);padding:8px;max-width:100%}"
    + ".lc-panel .widget-label,.lc-panel .widget-readout,.lc-panel h4{color:var(--lc-ink)}"
    + ".lc-panel .lc-low{font-size:75%;vertical-align:-0.3em;line-height:1}"
    + ".lc-panel h4{margin:0 0 4px;font-size:100%}"
    + ".lc-panel table{border-collapse:collapse;color:var(--lc-ink);font-variant-numeric:tabular-nums}"
    + ".lc-panel caption{text-align:left;color:var(--lc-muted);padding:2px 0}"
    + ".lc-panel th,.lc-panel td{padding:1px 9px;text-align:right;border-bottom:1px solid var(--lc-rule)}"
    + ".lc-panel :is(svg,img){display:block;max-width:100%;height:auto}"
    + ".lc-panel svg text{fill:var(--lc-ink)}"
    + "".join(f"{host} .lc-panel img{{color-scheme:{theme}}}" for theme, host in _HOSTS.items())
)


@dataclass(frozen=True)
class Slider:
    """A number that the reader moves.

    Parameters
    ----------
    name : str
        By which `render` receives the value; also what stands beside the slider, unless `symbol` is given.
    value, low, high, step : float
        Where it starts, its range and its grid.
    label : str
        What a screen reader says, and the tooltip; the name if not given.
    group : str
        Heading under which the slider stands.
    symbol : str
        What stands beside the slider, in the paper's letters: ``"C_{t-1}"``.

    Raises
    ------
    ValueError
        The name is empty, the range or the step is, or the value lies outside the range.

    Examples
    --------
    >>> Slider("U", 0.5, -2, 2, label="U, weight of the previous state").label
    'U, weight of the previous state'
    """

    name: str
    value: float = 0.0
    low: float = -1.0
    high: float = 1.0
    step: float = 0.1
    label: str = ""
    group: str = ""
    symbol: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "label", "group", "symbol"):
            text(name, getattr(self, name))
        for name in ("value", "low", "high", "step"):
            real(name, getattr(self, name))
        if not self.name:
            raise ValueError("a slider without a name: give it the name of the number that it moves")
        numbers = (self.value, self.low, self.high, self.step)
        if not all(math.isfinite(n) for n in numbers):
            raise ValueError(
                f"slider {self.name!r}: value, low, high, step are {numbers}: give finite numbers"
            )
        if not self.low <= self.value <= self.high or self.low == self.high or self.step <= 0:
            raise ValueError(
                f"slider {self.name!r}: value {self.value:g}, range {self.low:g} to {self.high:g}, step "
                f"{self.step:g}: low <= value <= high, low < high and step > 0 have to hold"
            )
        if not self.label:
            object.__setattr__(self, "label", self.name)


def a_slider(name: str, value: Any) -> Slider:
    """A slider."""
    return instance(name, value, Slider, "Slider('a', 0.5)")


def a_view(name: str, value: Any) -> Callable:
    """What draws a panel's view."""
    return function(name, value, "from the sliders' values by name to HTML")


def a_cell(name: str, value: Any) -> Any:
    """A cell."""
    from lstmcourse.cell import Cell

    return instance(name, value, Cell, "lstmcourse.cells.lstm")


@final
class Panel:
    """Sliders and a view that follows them; displays itself.

    Parameters
    ----------
    sliders : sequence of Slider
        With different names; those of one group stand in one column.
    render : callable
        From the values, a dict from name to float, to the HTML of the view. Called at once, and whenever a
        slider has moved. A pure function, so that it can be tested without a panel.
    title : str
        What the panel lets the reader try.

    Raises
    ------
    ValueError
        There are no sliders, or two have one name.

    Notes
    -----
    What `render` raises goes to whoever set the slider, and the view shows it: it is never swallowed.
    Outside a live notebook, and before the first run of a stored one, it stands without its sliders; what it
    draws is then an image, since JupyterLab drops inline SVG from outputs that it does not trust.

    Examples
    --------
    >>> panel = Panel([Slider("a", 0.5)], lambda v: f"<p>{v['a']:.1f}</p>", title="one number")
    >>> panel
    Panel: one number (1 slider)
    >>> panel.set(a=-1.0)
    >>> panel.view
    '<p>-1.0</p>'
    """

    @given(sliders=listed(a_slider, "of Sliders"), render=a_view, title=text)
    def __init__(
        self, sliders: Sequence[Slider], render: Callable[[dict[str, float]], str], *, title: str
    ) -> None:
        import ipywidgets

        names = [s.name for s in sliders]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"the sliders are {names}: give at least one, and each its own name")
        self.title = title
        self._render = render
        self._sliders = {s.name: _slider(s) for s in sliders}
        self._view = ipywidgets.HTML(render(self.values))
        head = ipywidgets.HTML(f"<style>{_STYLE}</style><h4>{html.escape(title)}</h4>")
        groups: dict[str, list[Any]] = {}
        for s in sliders:
            groups.setdefault(s.group, []).append(self._sliders[s.name])
        columns = []
        for group, members in groups.items():
            heading = [ipywidgets.HTML(f"<h4>{html.escape(group)}</h4>")] if group else []
            columns.append(ipywidgets.VBox([*heading, *members], layout={"margin": "0 24px 8px 0"}))
        row = ipywidgets.HBox(columns, layout={"flex_flow": "row wrap"})
        self.widget = ipywidgets.VBox([head, row, self._view, _names()])
        self.widget.add_class("lc-panel")
        for slider in self._sliders.values():
            slider.observe(self._follow, names="value")

    @property
    def values(self) -> dict[str, float]:
        """The number of each slider, by name."""
        return {name: float(slider.value) for name, slider in self._sliders.items()}

    @property
    def view(self) -> str:
        """The HTML that is shown now."""
        return self._view.value

    @given(name=text)
    def __getitem__(self, name: str) -> Any:
        """Return the slider of that name, an ``ipywidgets.FloatSlider``."""
        if name not in self._sliders:
            raise UnknownNameError(
                f"name={name!r}: there is no slider {name!r}: {nearest(name, self._sliders)}"
            )
        return self._sliders[name]

    def set(self, values: Mapping[str, float] | None = None, /, **named: float) -> None:
        """Move sliders by name, as a reader would."""
        wanted = {**({} if values is None else mapping("values", values, "of numbers by slider")), **named}
        wanted = {name: real(f"values[{name!r}]", value) for name, value in wanted.items()}
        for slider, value in [(self[name], value) for name, value in wanted.items()]:  # all are there
            slider.value = value

    def _follow(self, change: object = None) -> None:
        """Show the view for the present values; of an error, show what happened and raise it."""
        try:
            self._view.value = self._render(self.values)
        except Exception as error:
            said = html.escape(f"{type(error).__name__}: {error}")
            self._view.value = f'<p role="alert" class="lc-error">The view could not be drawn. {said}</p>'
            raise

    def __repr__(self) -> str:
        count = len(self._sliders)
        return f"Panel: {self.title} ({count} slider{'s' * (count > 1)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(self.widget._repr_mimebundle_(**kwargs))
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = (
            f'<div class="lc-panel"><style>{_STYLE}</style><h4>{html.escape(self.title)}</h4>'
            f"{still(self.view)}<p>Run this cell to move the sliders.</p></div>"
        )
        return bundle


def _slider(s: Slider) -> Any:
    """Return the widget for a slider."""
    import ipywidgets

    digits = max(0, min(4, -math.floor(math.log10(s.step) + 1e-9)))
    return ipywidgets.FloatSlider(
        value=s.value,
        min=s.low,
        max=s.high,
        step=s.step,
        description=_beside(s.symbol) if s.symbol else s.name,
        description_allow_html=bool(s.symbol),
        tooltip=s.label,
        readout_format=f".{digits}f",
        style={"description_width": "56px"},
        layout={"width": "330px"},
    )


# What stands where nothing can move


_SVG = re.compile(
    r'<svg (?P<rest>[^>]*?width="(?P<width>\d+)" height="(?P<height>\d+)")>'
    r"(?P<body><title>(?P<title>.*?)</title><desc>(?P<desc>.*?)</desc>.*?)</svg>",
    re.S,
)


def still(view: str) -> str:
    """Return a view with its drawings as images, which an untrusted notebook shows too.

    before: ``<svg ... width="40" height="20"><title>A line</title><desc>It rises.</desc>...</svg>``
    after:  ``<img alt="A line. It rises." width="40" height="20" src="data:image/svg+xml;base64,..."/>``
    """
    return _SVG.sub(_image, view)


def _image(drawing: re.Match[str]) -> str:
    """Return a drawing as an image: with the palette, a type and a ground, as it has none of the page's."""
    style = (
        f"{css('svg')}svg{{background:var(--lc-paper)}}"
        "text{fill:var(--lc-ink);font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    )
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {drawing["rest"]}><style>{style}</style>'
        f"{drawing['body']}</svg>"
    )
    alt = html.escape(html.unescape(f"{drawing['title']}. {drawing['desc']}"))
    data = base64.b64encode(whole.encode()).decode()
    return (
        f'<img alt="{alt}" width="{drawing["width"]}" height="{drawing["height"]}" '
        f'style="max-width:100%;height:auto" src="data:image/svg+xml;base64,{data}"/>'
    )


def _names() -> Any:
    """Return an invisible widget that names the sliders of its panel for screen readers."""
    import anywidget

    return anywidget.AnyWidget(_esm=(Path(__file__).with_name("names.js")).read_text(encoding="utf-8"))


def _beside(label: str) -> str:
    """Return a label for a slider, from which ipywidgets strips ``<sub>`` but not ``<span>``.

    >>> _beside("W_f")
    'W<span class="lc-low">f</span>'
    """
    return indexed(label).replace("<sub>", '<span class="lc-low">').replace("</sub>", "</span>")
