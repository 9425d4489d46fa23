"""The library's sources: whole files in each split, of the library alone, read as rings."""

import hashlib
import sysconfig
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from lstmcourse.tasks import Library, MissingSourceError, library
from lstmcourse.tasks.text import ASCII


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A library of a few files, with what does not belong to it."""
    folder = tmp_path / "lib"
    own = {
        "csv.py": "one\r\n",
        "json/__init__.py": "",
        "json/decoder.py": "three\u00e9",
        "heapq.py": "\ufefffour\n",
    }
    others = (
        "site-packages/numpy.py",
        "pydoc_data/topics.py",
        "json/tests/test_all.py",
        "mine.py",
        "csv.txt",
    )
    for name, text in own.items() | dict.fromkeys(others, "no").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    monkeypatch.setattr(library, "_folder", lambda: folder)
    for cached in (library._names, library._ring):
        cached.cache_clear()
    yield own
    for cached in (library._names, library._ring):
        cached.cache_clear()


def test_only_the_librarys_own_files_are_read_in_the_order_of_their_digests(small):
    def digest(name):
        return hashlib.blake2b(name.encode(), digest_size=8).digest()

    files = Library().files()
    assert files == sorted(small, key=digest)
    pieces = {
        "csv.py": "one\n",
        "json/__init__.py": "",
        "json/decoder.py": "three\ufffd\n",
        "heapq.py": "four\n",
    }
    assert Library().region() == "".join(pieces[name] for name in files)


def test_a_python_without_sources_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "_folder", lambda: tmp_path)
    library._names.cache_clear(), library._ring.cache_clear()
    with pytest.raises(MissingSourceError, match="without the sources"):
        Library().region("test")
    library._names.cache_clear(), library._ring.cache_clear()


def test_no_file_is_in_two_splits_and_each_has_its_share():
    task = Library()
    sizes = {split: len(task.region(split)) for split in ("train", "validation", "test", "all")}
    assert sum(sizes.values()) == 2 * sizes["all"] > 8e6
    assert sizes["train"] > 0.75 * sizes["all"] and min(sizes.values()) > 0.03 * sizes["all"]
    # Chosen once: what was trained on must not come to be tested on.
    assert {"argparse.py", "shutil.py", "doctest.py"} <= set(task.files("test"))
    source = (Path(sysconfig.get_path("stdlib")) / "shutil.py").read_text(encoding="utf-8")
    assert source[1000:3000] in task.region("test") and source[1000:3000] not in task.region("train")


@pytest.mark.parametrize("split", ["validation", "test"])
def test_rows_go_on_around_the_ring(split):
    task = Library()
    text = task.region(split)
    ring = np.array([ASCII.find(c) if c in ASCII else 96 for c in text])
    batches = list(islice(task.stream(split, batch_size=3, seed=4, length=50), 4))
    x = np.concatenate([b.x for b in batches])
    assert all((b.x[1:] == b.y[:-1]).all() and b.carries for b in batches)
    first = [s for s in range(len(ring)) if (np.take(ring, range(s, s + 200), mode="wrap") == x[:, 0]).all()]
    for row in range(3):
        at = (np.arange(200) + first[0] + row * len(ring) // 3) % len(ring)
        assert (x[:, row] == ring[at]).all()
    with pytest.raises(ValueError, match="do not fit"):
        task.batch(split, batch_size=2, length=10**8 if split == "test" else len(ring))
