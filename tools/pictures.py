"""Photograph each laboratory and every cell's diagram, light and dark, to be looked at: `make pictures`.

Needs Chromium and Playwright. The pictures go into a folder that is not kept.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lstmcourse as lc

THEMES = ("light", "dark")
LABS: dict[str, Callable[[], Any]] = {
    "cell": lambda: lc.lab(lc.cells.lstm),
    "three-units": lambda: lc.lab(lc.cells.gru, hidden_size=3),
    "stack": lambda: lc.lab(lc.stack([lc.cells.lstm, lc.cells.gru])),
    "sentence": lambda: lc.lab(lc.reader.load()),
    "attention": lambda: lc.lab(lc.attentive.translator()),
    "drawing": lambda: lc.lab(lc.generative.copyist()),
    "imagining": lambda: lc.lab(lc.generative.singer()),
    "dilemma": lc.dilemma,
    "unrolled": lambda: lc.lab([lc.cells.rnn, lc.cells.lstm, lc.cells.gru]),
}


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("pictures"))
    parser.add_argument("names", nargs="*", help="of laboratories and cells; all if none is given")
    options = parser.parse_args(arguments)
    wanted = options.names or [*LABS, *lc.cells.names()]
    if unknown := [name for name in wanted if name not in LABS and name not in lc.cells.names()]:
        parser.error(f"{unknown[0]!r} is no laboratory ({', '.join(LABS)}) and no cell")
    for path in _photographed(wanted, options.folder):
        print(path)
    return 0


def _photographed(names: list[str], folder: Path) -> Iterator[Path]:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("There is no browser: install chromium.")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        how = {"viewport": {"width": 1000, "height": 400}, "offline": True}
        pages = {theme: browser.new_context(color_scheme=theme, **how).new_page() for theme in THEMES}
        for name in names:
            page = folder / f"{name}.html"
            if name in LABS:
                LABS[name]().save(page)
            else:
                page.write_text(_document(lc.cells.get(name).diagram()), encoding="utf-8")
            for theme, on in pages.items():
                on.goto(page.resolve().as_uri())
                if name in LABS:
                    on.locator(".lc-lab[data-alive=shown]").wait_for()
                    on.wait_for_timeout(700)  # until what waits for a quiet hand is there
                picture = folder / f"{name}, {theme}.png"
                on.screenshot(path=picture, full_page=True)
                yield picture
            page.unlink()
        browser.close()


def _document(diagram: Any) -> str:
    """A page with a diagram on the ground of its theme."""
    ground = ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){body{background:#111}}"
    html = diagram._repr_mimebundle_()["text/html"]
    return f'<!doctype html><meta charset="utf-8"><style>{ground}</style>{html}'


if __name__ == "__main__":
    sys.exit(main())
