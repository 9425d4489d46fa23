"""Data that are shipped: they are what was published, and their terms go with them."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lstmcourse.tasks import data

ROOT = Path(__file__).resolve().parents[2]
STATED = re.findall(
    r"\| `([\w.]+)` \| ([\d,]+) \| `(\w{64})` \|", (ROOT / "docs/data.md").read_text(encoding="utf-8")
)


def test_every_file_is_the_one_that_is_stated_and_has_its_terms_beside_it():
    files = {p.name for p in data.HERE.iterdir() if p.suffix in (".npz", ".txt")}
    assert {name for name, *_ in STATED} == files and len(files) == 3
    for name, size, digest in STATED:
        content = (data.HERE / name).read_bytes()
        assert len(content) == int(size.replace(",", "")) and hashlib.sha256(content).hexdigest() == digest
        terms = (data.HERE / name).with_suffix(".LICENSE").read_text(encoding="utf-8")
        assert re.search(r"CC BY 4\.0|Redistribution and use in source and binary forms", terms)


@pytest.mark.long
def test_a_wheel_holds_the_data_and_twice_their_terms(tmp_path):
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], check=True, cwd=ROOT
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name, *_ in STATED:
        terms = Path(name).with_suffix(".LICENSE").name
        assert f"lstmcourse/tasks/data/{name}" in names
        assert sum(n.endswith(f"/{terms}") for n in names) == 2


def test_digits_are_those_of_the_published_set():
    images, labels = data.digits()
    # classes of the test set, as the repository lists them
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.dtype == labels.dtype == np.uint8 and images.min() == 0 and images.max() == 16
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_digits_are_scikit_learns():
    load = pytest.importorskip("sklearn.datasets").load_digits()
    assert np.array_equal(load.images, data.digits().images) and np.array_equal(
        load.target, data.digits().labels
    )


def test_vowels_are_those_of_the_published_set():
    utterances, speakers, train = data.vowels()
    lengths = np.array([len(u) for u in utterances])
    assert (lengths.min(), lengths.max(), lengths.sum()) == (7, 29, 9961)
    assert np.bincount(speakers[:train]).tolist() == [30] * 9
    assert np.bincount(speakers[train:]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    # first and last frame as published, six decimals
    assert [f"{v:.6f}" for v in utterances[0][0][:3]] == ["1.860936", "-0.207383", "0.261557"]
    assert all(u.shape[1] == 12 and not u.flags.writeable for u in utterances)


def test_pronunciations_are_words_of_the_dictionary():
    found = data.pronunciations()
    assert len(found) == 19_617 and list(found) == sorted(found)
    assert all(re.fullmatch("[a-z]{3,12}", word) for word in found)
    phonemes = {p for entry in found.values() for p in entry}
    every = (
        "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
    )
    assert {re.sub(r"\d", "", p) for p in phonemes} == set(every.split())
    vowel = {p for p in phonemes if p[0] in "AEIOU"}
    assert {p[-1] for p in vowel} == set("012") and not any(re.search(r"\d", p) for p in phonemes - vowel)
    assert " ".join(found["thinking"]) == "TH IH1 NG K IH0 NG"
