"""What a learner does: `make lab`, open a notebook, run it all, move a slider; in a real browser.

Needs Chromium and Playwright; without them it is skipped, and says so. It works on a copy of the
notebooks and with settings of its own, so nothing of the repository or of the user's JupyterLab is
touched.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.widgets import arrays_of, gate_values, series_of

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ("my_notebooks/01_recurrent_neural_networks.ipynb", "my_notebooks/05_forget_gate.ipynb")
NEEDED = ["Makefile", "pyproject.toml", "constraints.txt", "tools", "lstmcourse", "notebooks"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

COPY = {}  # where `lab` works

# What the browser's console may say, and why it is no fault of the course.
ALLOWED = []

# JupyterLab shows what a cell raised as text on stderr, so it is told by a traceback's first line.
FAILURES = """[...document.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr']")]
    .map(output => output.innerText).filter(text => /^(-{20,}|Traceback )/m.test(text))"""

# The notebook's cells of code that have any.
CODE = """[...window.jupyterapp.shell.currentWidget.content.model.cells]
    .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim())"""

FLAGS = [
    "--no-sandbox",  # continuous integration runs as root, where Chromium refuses its sandbox
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]

# A user's own settings, where the defaults would stand in the way of the test.
SETTINGS = {
    # Cells off the screen would not be on the page, and their errors not be seen.
    "notebook-extension/tracker": {"windowingMode": "none"},
}

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("playwright") is None,
        reason="no browser can be steered: Playwright is not installed (pip install playwright)",
    ),
    pytest.mark.skipif(
        CHROMIUM is None, reason="there is no browser: install chromium (on Debian: apt-get install chromium)"
    ),
    pytest.mark.skipif(
        shutil.which("make") is None, reason="there is no make, with which this test starts JupyterLab"
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab, started by `make lab` in a copy of the course; the address that it prints."""
    for name in NOTEBOOKS:
        assert (ROOT / name.removeprefix("my_")).exists(), f"{name} is missing: build it with make notebooks"
    home = tmp_path_factory.mktemp("lab")
    copy = COPY["course"] = home / "the learner's course"
    copy.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    for name, value in SETTINGS.items():
        path = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    environment = os.environ | {
        "PYTHONPATH": str(copy),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        **{f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    for name in ("JUPYTER_TOKEN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    # In this test's environment, and without installing it anew: -o says that its mark is not out of date.
    command = ["make", "lab", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.installed"]
    arguments = f"--no-browser --port={free_port()} --ServerApp.port_retries=0"
    command.append(f"LAB_ARGS={arguments} --LabApp.expose_app_in_browser=True")
    server = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    said = []
    listener = threading.Thread(target=lambda: said.extend(iter(server.stdout.readline, "")))
    listener.start()
    try:
        yield address(server, said)
    finally:
        end(server)
        listener.join(10)
        server.stdout.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def address(server, said, seconds=60):
    """Wait for the address that JupyterLab prints and for its answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?token=\w+", "".join(said))
        if found:
            try:
                urllib.request.urlopen(found[0].partition("/lab")[0] + "/api", timeout=2).close()
                return found[0]
            except OSError:
                pass
        time.sleep(0.1)
    raise AssertionError("make lab printed no address that answers:\n" + "".join(said))


def end(server):
    """End what `make lab` started, and nothing else."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(15)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda name: name[13:15])
def page(request, lab, chromium, tmp_path_factory):
    """A notebook, run from top to bottom in Chromium; what it says and asks for is kept in two lists."""
    base, _, rest = lab.partition("/lab")
    token = rest.partition("?token=")[2]
    page = chromium.new_context(viewport={"width": 1280, "height": 1100}).new_page()
    page.heard, page.outside, page.notebook = [], [], request.param
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("console", lambda said: page.heard.append(said.text) if said.type == "error" else None)

    def guard(route):
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            page.outside.append(route.request.url)
            route.abort()

    page.route("**/*", guard)
    page.set_default_timeout(30_000)
    try:
        page.goto(f"{base}/lab/tree/{request.param}?reset&token={token}")
        run_all(page)
        yield page
    except Exception:
        shot = tmp_path_factory.mktemp("shot") / "page.png"
        page.screenshot(path=str(shot))
        print(f"The page at that moment: {shot}\nConsole: {page.heard}")
        raise
    finally:
        page.unroute_all(behavior="ignoreErrors")
        page.context.close()


def run_all(page):
    """Choose Run All Cells from the menu, as soon as there is a kernel; wait for the end or an error."""
    page.locator(".jp-NotebookPanel:visible .jp-CodeCell").first.wait_for()
    # The notebook's own sign says idle before there is a kernel; the status bar names it.
    page.get_by_title("Change kernel for").filter(has_text=re.compile(r"\| Idle")).first.wait_for()
    page.locator(".jp-NotebookPanel:visible .jp-Cell").first.click()
    # Forget the stored counts, so that those of this run are waited for. The notebook is asked, not the page:
    # a cell whose input is folded shows no count there.
    page.evaluate(f"{CODE}.forEach(cell => cell.executionCount = null)")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        f"() => {CODE}.every(cell => cell.executionCount !== null) || ({FAILURES}).length", timeout=240_000
    )


def panel(page):
    """The notebook's first panel."""
    return page.locator(".lc-panel").first


# What the panel shows at one moment: read in one piece, since the page may change between two questions.
SHOWN = """panel => ({
    numbers: [...panel.querySelectorAll('table td')].map(cell => cell.innerText)
        .filter(text => /^−?[0-9]+[.][0-9]+$/.test(text)).map(text => Number(text.replace('−', '-'))),
    picture: [...panel.querySelectorAll('svg :is(polyline, rect, circle)')].map(e => e.outerHTML),
    sliders: Object.fromEntries([...panel.querySelectorAll('[role=slider]')].map(handle => [
        handle.getAttribute('aria-label').replace(/, [^,]*$/, '').replace(' ', '_'),
        Number(handle.getAttribute('aria-valuenow')),
    ])),
})"""


def computed(notebook, sliders):
    """The numbers that the engine itself gives, here and now, for where the sliders stand."""
    if "01_" in notebook:
        steps = sum(name.startswith("x_") for name in sliders)
        shapes = {"W_h": (1, 1), "U_h": (1, 1), "b_h": (1,), "x": (steps, 1)}
        series = series_of(lc.cells.rnn, **arrays_of(sliders, shapes))
        return np.concatenate([series["x"], series["h"]])
    names = ("x", "h", "c", "W_f", "U_f", "b_f")
    values = dict(zip(names, sliders.values(), strict=True))
    return np.array(list(gate_values(lc.cells.lstm, "f", values).values()))


def agreed(page, seconds=20):
    """Wait until the panel shows what the engine gives for its sliders; return what it shows.

    However slow the machine: as long as the kernel lags behind the sliders, the two differ.
    """
    deadline = time.monotonic() + seconds
    while True:
        shown = panel(page).evaluate(SHOWN)
        expected = computed(page.notebook, shown["sliders"])
        assert len(shown["numbers"]) == len(expected)
        if np.allclose(shown["numbers"], expected, rtol=0, atol=6e-4):
            return shown
        assert time.monotonic() < deadline, f"the panel shows {shown}, and the engine gives {expected}"
        time.sleep(0.05)


def sliders(page):
    found = panel(page).get_by_role("slider")
    found.first.wait_for()
    return found


def test_the_token_guards_the_server(lab):
    base = lab.partition("/lab")[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{base}/api/contents", timeout=5)
    assert refused.value.code == 403
    refused.value.close()


def test_no_cell_fails(page):
    assert page.evaluate(FAILURES) == []
    assert page.locator(".jp-NotebookPanel .jp-OutputArea-output").count() > 0


def test_saving_leaves_the_course_as_it_is(page):
    mine = COPY["course"] / page.notebook
    before = mine.read_bytes()
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_text("Save Notebook", exact=True).click()
    deadline = time.monotonic() + 20
    while mine.read_bytes() == before and time.monotonic() < deadline:
        page.wait_for_timeout(100)  # not by sleep: what the page asks for goes through `guard`
    assert mine.read_bytes() != before  # Lab has written what it knows of the language
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            assert (COPY["course"] / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_every_picture_says_what_it_shows(page):
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea-output img, .jp-OutputArea-output svg')]
            .filter(e => !e.closest('mjx-container, button') && !e.alt && !e.querySelector('title')
                && !e.getAttribute('aria-label') && e.getAttribute('aria-hidden') !== 'true')
            .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []


def test_every_slider_has_a_name(page):
    names = [s.get_attribute("aria-label") for s in sliders(page).all()]
    assert all(names) and len(set(names)) == len(names)


def test_dragging_a_slider_moves_numbers_and_picture(page):
    handle = sliders(page).last if "05_" in page.notebook else sliders(page).first
    handle.scroll_into_view_if_needed()
    name = handle.get_attribute("aria-label").rsplit(", ", 1)[0].replace(" ", "_")
    before = agreed(page)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=6)
    page.mouse.up()
    after = agreed(page)
    moved = [name for name, at in after["sliders"].items() if at != before["sliders"][name]]
    assert moved == [name] and after["sliders"][name] < before["sliders"][name]
    assert after["numbers"] != before["numbers"]
    assert after["picture"] != before["picture"]


def test_the_keyboard_moves_a_slider(page):
    name = "x_2" if "01_" in page.notebook else "W_f"
    before = agreed(page)
    panel(page).get_by_role("slider", name=re.compile(f"^{name.replace('_', ' ')},")).focus()
    page.keyboard.press("ArrowRight")
    after = agreed(page)
    assert after["sliders"][name] == pytest.approx(before["sliders"][name] + 0.1)
    same = [b == a for b, a in zip(before["numbers"], after["numbers"], strict=True)]
    if "01_" in page.notebook:  # only x_2 changes, and what comes later does not change what was
        assert same[:7] == [True, False, True, True, True, True, False]
    else:  # the state before the step is not the gate's to change
        assert same == [False, False, True, False]
    assert after["picture"] != before["picture"]
    page.keyboard.press("ArrowLeft")
    assert agreed(page) == before


def test_the_console_is_quiet_and_nothing_leaves_the_machine(page):
    """Stands last, so that it has heard all of the above."""
    assert page.outside == []
    assert [said for said in page.heard if not any(re.search(pattern, said) for pattern, _ in ALLOWED)] == []


LABORATORY = {
    "open": "import lstmcourse as lc\nlab = lc.lab(lc.cells.lstm)\nlab",
    "set": "lab.values['b_f'] = 3.0",
    "read": "print(lab.values['b_i'][0], lab.held['f'][4, 0, 0])",
}


def asked(lab, path, method="GET", body=None):
    """An answer of the server's."""
    base, _, rest = lab.partition("/lab")
    request = urllib.request.Request(f"{base}/api/{path}?{rest.partition('?')[2]}", method=method)
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def test_a_laboratory_lives_with_and_without_a_kernel(lab, chromium):
    """Page and Python hear each other; on the second day there is no kernel, and it lives all the same."""
    from playwright.sync_api import expect

    cells = [
        {"cell_type": "code", "id": k, "source": text, "metadata": {}, "outputs": [], "execution_count": None}
        for k, text in LABORATORY.items()
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    told = {"type": "notebook", "format": "json", "content": notebook}
    asked(lab, "contents/laboratory.ipynb", "PUT", told)
    base, _, rest = lab.partition("/lab")
    address = f"{base}/lab/tree/laboratory.ipynb?reset&{rest.partition('?')[2]}"
    heard = []

    def opened():
        page = chromium.new_context(viewport={"width": 1280, "height": 1300}).new_page()
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(30_000)
        page.goto(address)
        page.locator(".jp-CodeCell").first.wait_for()
        return page

    page = opened()
    page.get_by_title("Change kernel for").filter(has_text=re.compile(r"\| Idle")).first.wait_for()
    page.locator(".jp-Cell").first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".lc-link")).to_have_text("connected to Python", timeout=30_000)
    page.get_by_role("spinbutton", name="b i, as a number").fill("-2.5")
    page.get_by_role("slider", name="step", exact=True).fill("5")
    page.locator('[data-glyph="f"]').focus()
    page.keyboard.press("a")  # adds no cell
    page.keyboard.press("PageDown")
    assert page.locator(".jp-Cell").count() == 3
    page.wait_for_timeout(500)
    page.locator(".jp-Cell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_role("spinbutton", name="b f, as a number")).to_have_value("3", timeout=30_000)
    page.locator(".jp-Cell").nth(2).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    said = page.locator(".jp-Cell").nth(2).locator(".jp-OutputArea-output")
    expect(said).to_have_text(re.compile(r"-2\.5 0\.\d"), timeout=30_000)
    with page.expect_response(lambda r: r.request.method == "PUT" and "contents/laboratory.ipynb" in r.url):
        page.keyboard.press("Control+s")  # whoever asks before the answer may meet half of the file
    assert asked(lab, "contents/laboratory.ipynb")["content"]["cells"][2]["outputs"]
    page.context.close()
    for session in asked(lab, "sessions"):
        if session["path"] == "laboratory.ipynb":
            asked(lab, f"sessions/{session['id']}", "DELETE")
    (stored,) = asked(lab, "contents/laboratory.ipynb")["content"]["cells"][0]["outputs"]
    assert set(stored["data"]) == {"text/html", "text/plain"}  # nothing of the widget

    page = opened()
    page.locator(".lc-lab[data-alive=shown]").wait_for()
    f = page.locator('[data-glyph="f"]')
    before = f.get_attribute("aria-valuenow")
    page.get_by_role("spinbutton", name="b f, as a number").fill("-3")
    expect(f).not_to_have_attribute("aria-valuenow", before)
    assert "Error displaying widget" not in page.content()
    assert heard == []
    page.context.close()
