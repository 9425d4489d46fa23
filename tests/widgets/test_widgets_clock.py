"""The clockwork panel shows what the network's equations give, written here in plain NumPy."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from lstmcourse.widgets import clock_panel, clock_series
from lstmcourse.widgets.clock import INPUT

PLACES = [
    {"T_1": 1, "T_2": 2, "T_3": 4, "T_4": 8, "W": 1.0, "U": 0.0},
    {"T_1": 1, "T_2": 2, "T_3": 4, "T_4": 8, "W": -0.7, "U": 1.3},
    {"T_1": 5, "T_2": 3, "T_3": 3, "T_4": 16, "W": 1.5, "U": -0.4},
]


def by_hand(periods, W, U):
    """Unit by unit: fed by itself, and by units with a longer period."""
    h, rows = [0.0] * len(periods), []
    for t, x in enumerate(INPUT):
        old = list(h)
        for j, T in enumerate(periods):
            if t % T == 0:
                heard = sum(old[k] for k in range(len(periods)) if k == j or periods[k] > T)
                h[j] = np.tanh(W * x + U * heard)
        rows.append(list(h))
    return np.array(rows)


@pytest.mark.parametrize("values", PLACES)
def test_states_are_those_of_the_equations(values):
    periods = [values[f"T_{j}"] for j in range(1, 5)]
    due, h = clock_series(values)
    assert h == pytest.approx(by_hand(periods, values["W"], values["U"]), abs=1e-12)
    assert due.tolist() == [[t % T == 0 for T in periods] for t in range(len(INPUT))]
    assert not (np.diff(h, axis=0) != 0)[~due[1:]].any()


@pytest.mark.parametrize("values", PLACES)
@pytest.mark.parametrize("t", [0, 6, 16])
def test_the_panel_shows_them(values, t):
    panel = clock_panel()
    panel.set(values | {"t": t})
    due, h = clock_series(values)
    rows = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", panel.view)
    for j, row in enumerate(rows):
        cells = [c.replace("−", "-") for c in re.findall(r">([^<]+)</t[dh]>", row)]
        before = h[t - 1, j] if t else 0.0
        T = values[f"T_{j + 1}"]
        assert cells[:4] == [str(j + 1), str(T), str(t % T), "computes" if due[t, j] else "holds"]
        assert [float(c) for c in cells[4:]] == pytest.approx([before, h[t, j]], abs=6e-4)
    drawing = ElementTree.fromstring(re.search(r"<svg.*?</svg>", panel.view, re.S)[0])
    kinds = [r.get("class") for r in drawing.iter("rect") if r.get("class")]
    expected = np.concatenate([np.ones((len(INPUT), 1), bool), due], axis=1).T.ravel()
    assert kinds == ["lc-bar" if full else "lc-held" for full in expected]
    heights = [float(r.get("height")) for r in drawing.iter("rect") if r.get("class")]
    values_shown = np.concatenate([np.array(INPUT)[:, None], h], axis=1).T.ravel()
    assert heights == pytest.approx(32 * np.abs(values_shown), abs=0.06)
    assert all(f"period {values[f'T_{j}']}: computes at 0" in drawing.findtext("desc") for j in range(1, 5))


def test_sliders_can_be_named_and_refused():
    panel = clock_panel((1, 3))
    assert list(panel.values) == ["t", "T_1", "T_2", "W", "U"]
    with pytest.raises(ValueError, match="periods is empty"):
        clock_panel(())
    with pytest.raises(ValueError, match="T_1"):
        clock_panel((20,))
