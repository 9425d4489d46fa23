"""The time of a laboratory's own script from an input to the picture, in Chromium.

One number is moved 210 times, ten moves at a time: a weight, the forget bias of unrolled cells, or a state
at the first word of a sentence. What is printed is the median of a move, in brackets the most. At each the
whole sequence is computed anew, and every line, number, row and control brought up to date. It is the time
for which the script has the processor; layout and painting, which are the browser's, come on top. Needs
Playwright.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import processor, versions
from playwright.sync_api import CDPSession, sync_playwright

import lstmcourse as lc

SENTENCE = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind the nuns is happy and near the girl he left ."
)
LABS = {
    "rnn": lambda: lc.lab(lc.cells.rnn),
    "lstm": lambda: lc.lab(lc.cells.lstm),
    "lstm, 3 units": lambda: lc.lab(lc.cells.lstm, hidden_size=3),
    "slstm": lambda: lc.lab(lc.cells.slstm),
    "stack(lstm, gru), 3 units": lambda: lc.lab(lc.stack([lc.cells.lstm, lc.cells.gru]), hidden_size=3),
    "rnn, lstm, gru unrolled": lambda: lc.lab([lc.cells.rnn, lc.cells.lstm, lc.cells.gru]),
    "the same, 8 units": lambda: lc.lab([lc.cells.rnn, lc.cells.lstm, lc.cells.gru], hidden_size=8),
    "reader, 32 units, 30 words": lambda: lc.lab(lc.reader.load(), x=SENTENCE),
}
SLOWER = (1, 5)  # as a phone

MOVES = """async () => {
    const store = globalThis[Symbol.for("lstmcourse.labs")].values().next().value;
    const name = store.spec.params?.[0];
    store.go?.(store.last);
    for (let k = 0; k < 10; k++) {
        const value = Math.sin(k + performance.now());
        if (store.setBias) store.setBias(value);
        else if (store.words) store.hold("c", 0, 0, value, 0);
        else store.put(name, 0, value);
        await new Promise(requestAnimationFrame);
    }
}"""


def script_time(session: CDPSession) -> float:
    """Milliseconds that the page's scripts have had of the processor so far."""
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * metrics["ScriptDuration"]


def main() -> None:
    """Print a table of milliseconds."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("There is no browser: install chromium.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, load {load:.1f}; {versions()}\n")
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        print("| laboratory | " + " | ".join(f"{n} x slower" if n > 1 else "as it is" for n in SLOWER) + " |")
        print("|---" * (1 + len(SLOWER)) + "|")
        for name, lab in LABS.items():
            page = browser.new_page()
            page.goto(lab().save(Path(folder) / "lab.html").as_uri())
            page.locator(".lc-lab[data-alive=shown]").wait_for()
            page.evaluate("document.querySelector('.lc-lab [tabindex=\"0\"]').focus()")
            found = []
            for slower in SLOWER:
                session = page.context.new_cdp_session(page)
                session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
                session.send("Performance.enable", {"timeDomain": "threadTicks"})
                took = []
                for _ in range(21):
                    before = script_time(session)
                    page.evaluate(MOVES)
                    took.append((script_time(session) - before) / 10)
                found.append(f"{statistics.median(took):.1f} ({max(took[1:]):.1f})")
            print(f"| {name} | " + " | ".join(found) + " |")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
