"""A film shows one step at a time, without a script."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import lstmcourse as lc

PICTURES = np.random.default_rng(0).random((3, 2, 4, 5))


def root(film):
    """The page as XML, in which an input has an end and each attribute a value."""
    text = film._repr_html_().replace(" checked>", ' checked="">')
    return ET.fromstring(text.replace("<label", "</input><label"))


def test_it_has_a_button_and_a_picture_for_each_step_and_starts_at_the_last():
    film = lc.plots.film(PICTURES, alt='Two "pictures"', windows=np.ones((3, 2, 4)))
    page = root(film)
    buttons = page.findall("input")
    assert [b.get("value") for b in buttons] == ["play", "1", "2", "3"]
    assert [b.get("checked") for b in buttons] == [None, None, None, ""]
    assert [label.get("for") for label in page.findall("label")] == [b.get("id") for b in buttons]
    (frames,) = page.findall("div")
    assert frames.get("aria-label") == 'Two "pictures"' and len(frames) == 3
    assert all(len(svg.findall("rect")) == 2 for svg in frames)
    style = page.find("style").text
    for t in (1, 2, 3):
        assert (
            f"#{buttons[t].get('id')}:checked ~ .lc-frames svg:nth-child({t}){{visibility:visible}}" in style
        )
    assert "script" not in film.html and "http" not in film.html


def test_pixels_are_what_was_given():
    from matplotlib.image import imread

    frames = re.findall(r"base64,([^\"]+)", lc.plots.film(PICTURES, alt="a").html)
    for t, data in enumerate(frames):
        shown = imread(io.BytesIO(base64.b64decode(data)))[..., 0]
        for k in range(2):
            assert np.abs(1 - shown[:, 6 * k : 6 * k + 5] - PICTURES[t, k]).max() < 0.01


def test_two_films_on_a_page_have_names_of_their_own():
    a, b, again = (lc.plots.film(p, alt="a") for p in (PICTURES, 1 - PICTURES, PICTURES))
    assert a == again and root(a).get("id") != root(b).get("id")


@pytest.mark.parametrize(
    "pictures, how, message",
    [
        (PICTURES[0], {}, r"pictures has shape \(2, 4, 5\).*\(T, n, Y, X\)"),
        (PICTURES + 1, {}, r"pictures hold 1.* values from 0 to 1"),
        (PICTURES * np.nan, {}, r"pictures hold nan"),
        (PICTURES[:0], {}, r"pictures has shape \(0, 2, 4, 5\); at least one"),
        (PICTURES, {"windows": np.ones((3, 1, 4))}, r"windows has shape \(3, 1, 4\); it needs .*\(3, 2, 4\)"),
        (PICTURES, {"alt": " "}, "alt is ' '"),
    ],
)
def test_what_does_not_fit_is_refused(pictures, how, message):
    with pytest.raises((ValueError, TypeError), match=message):
        lc.plots.film(pictures, **{"alt": "a"} | how)
