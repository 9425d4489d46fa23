"""Text: regions, rings, characters, and what happens where a source is missing."""

import math
import os
import sys
from collections import Counter
from itertools import islice

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.tasks import MissingSourceError, Text
from lstmcourse.tasks.text import ASCII, MODULES, RARE


@pytest.fixture
def novel(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text("".join(f"{k:04d}\n" for k in range(400)), encoding="utf-8")  # every five characters once
    return str(path)


def test_the_default_text_is_on_every_learners_disk():
    task = Text()
    assert task.modules == MODULES
    assert 300_000 < len(task.region()) < 650_000
    assert task.input_size == task.output_size == 97 and task.symbols[-1] == RARE
    assert set(ASCII) == {"\n", *map(chr, range(32, 127))}
    assert np.mean(task.encode(task.region()) == 96) < 1e-4  # hardly a character is rare
    for piece in ("class ArgumentParser", "def heappush", "class JSONDecoder"):
        assert piece in task.region()


def test_chance_is_the_entropy_of_characters():
    task = Text(modules=("textwrap", "json.encoder"))
    counts = Counter(c if c in ASCII else RARE for c in task.region())
    n = sum(counts.values())
    assert task.chance == pytest.approx(-sum(k / n * math.log(k / n) for k in counts.values()))
    assert task.chance_accuracy == pytest.approx(max(counts.values()) / n) and task.best is None
    assert 2.5 < Text().chance < 3.5


def test_regions_are_disjoint_pieces_of_each_file(novel, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("abcdefghij" * 10, encoding="utf-8")
    task = Text(files=(novel, str(other)))
    train, validation, test, every = (task.region(s) for s in ("train", "validation", "test", "all"))
    assert train == every[:1600] + every[2000:2080]
    assert validation == every[1600:1800] + every[2080:2090]
    assert test == every[1800:2000] + every[2090:]
    numbers = [set(r.split()) for r in (train[:1600], validation[:200], test[:200])]
    assert [len(n) for n in numbers] == [320, 40, 40] and len(set.union(*numbers)) == 400


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_streams_stay_in_their_region_and_rows_go_on(novel, split):
    task = Text(files=(novel,))
    ring = task.region(split)
    batches = list(islice(task.stream(split, batch_size=3, seed=4, length=17), 150))
    x = np.concatenate([b.x for b in batches])
    y = np.concatenate([b.y for b in batches])
    assert (x[1:] == y[:-1]).all() and all(b.carries and b.mask.all() for b in batches)
    seen = [task.decode(x[:, b]) for b in range(3)]
    for row in seen:
        assert row[:1000] in ring * 12
    starts = sorted((ring * 2).index(row[: min(100, len(ring) - 1)]) % len(ring) for row in seen)
    assert set(np.diff([*starts, starts[0] + len(ring)])) <= {len(ring) // 3, len(ring) // 3 + 1}
    assert set("".join(seen).split()) >= set(ring.split()[1:-1])  # all of it comes by


def test_files_make_their_own_alphabet(tmp_path):
    path = tmp_path / "é.txt"
    path.write_text("éà\r\n" * 40 + "ж" + "éà" * 40, encoding="utf-8-sig")
    task = Text(files=[str(path)])
    assert task.alphabet == "\nàé" and task.symbols == ("\n", "à", "é", RARE)
    assert task.encode("àж\n").tolist() == [1, 3, 0] and task.decode([2, 3]) == "é" + RARE
    assert eval(repr(task)) == task
    assert Text(files=(str(path),), alphabet="zé").encode("éàz").tolist() == [1, 2, 0]


def test_a_missing_file_and_a_missing_module_are_named(tmp_path, monkeypatch):
    with pytest.raises(MissingSourceError, match="nowhere.txt.*No such file"):
        Text(files=(str(tmp_path / "nowhere.txt"),))
    with pytest.raises(MissingSourceError, match="module 'textwarp' does not exist"):
        Text(modules=("textwarp",))
    with pytest.raises(MissingSourceError, match="module 'no.such' does not exist"):
        Text(modules=("no.such",))
    with pytest.raises(MissingSourceError, match="without the source of module 'sys'.*give files="):
        Text(modules=("sys",))
    assert issubclass(MissingSourceError, ValueError)


def test_a_module_without_its_py_file_is_named(tmp_path, monkeypatch):
    import py_compile

    source = tmp_path / "bare_module.py"
    source.write_text("x = 1\n", encoding="utf-8")
    py_compile.compile(str(source), cfile=str(tmp_path / "bare_module.pyc"))
    source.unlink()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingSourceError, match="without the source of module 'bare_module'"):
        Text(modules=("bare_module",))


def test_bad_input_is_refused_by_name(tmp_path, novel):
    latin = tmp_path / "latin.txt"
    latin.write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(ValueError, match="latin.txt' is not UTF-8: byte 0xe9 at 3"):
        Text(files=(str(latin),))
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match="empty.txt' is empty"):
        Text(files=(str(tmp_path / "empty.txt"),))
    with pytest.raises(TypeError, match="a tuple of names"):
        Text(modules="textwrap")
    with pytest.raises(ValueError, match="one of the two"):
        Text(modules=("textwrap",), files=(novel,))
    with pytest.raises(ValueError, match="'a' has a symbol already"):
        Text(alphabet="aba")
    with pytest.raises(TypeError, match="alphabet=''"):
        Text(alphabet="")
    with pytest.raises(ValueError, match="no split is named 'tset'.*'test'"):
        Text(files=(novel,)).region("tset")
    with pytest.raises(ValueError, match="the test text has only 200 characters"):
        Text(files=(novel,)).stream("test", batch_size=2, length=200)


# a text is what is on the disk now, and means the same in a file and in a prompt


def test_what_is_on_the_disk_now_counts(tmp_path, monkeypatch):
    for folder, text in (("a", "abcd"), ("b", "efgh")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in.txt").write_text(text * 100)
    monkeypatch.chdir(tmp_path / "a")
    task, path = Text(files=("in.txt",)), tmp_path / "a" / "in.txt"
    batch, digests = task.batch(batch_size=2), {task.data_digest()}
    assert task.alphabet == "abcd"
    monkeypatch.chdir(tmp_path / "b")
    assert Text(files=("in.txt",)).alphabet == "efgh"  # the same name elsewhere
    monkeypatch.chdir(tmp_path / "a")
    before = path.stat()
    path.write_text("dcba" * 100)  # as long, and as old
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert task.region()[:4] == "dcba" and (task.batch(batch_size=2).x != batch.x).any()
    digests |= {task.data_digest()}
    path.write_text("wxyz" * 200)
    new = Text(files=("in.txt",))
    assert new.alphabet == "wxyz" and len(new.region()) == 800 and new.chance == pytest.approx(math.log(4))
    assert len(digests | {new.data_digest()}) == 3
    path.unlink()
    for use in (task.region, task.data_digest, lambda: task.chance, lambda: task.stream(batch_size=2)):
        with pytest.raises(MissingSourceError, match="in.txt.*No such file"):
            use()
    assert lc.tasks.Adding().data_digest() is None


@pytest.mark.parametrize("written", ["é\nb", "é\r\nb", "é\rb", "\ufeffé\nb", "\ufeffé\r\nb"])
def test_a_text_means_the_same_in_a_file_and_in_a_prompt(tmp_path, written):
    path = tmp_path / "t.txt"
    path.write_bytes(written.encode())
    task = Text(files=(str(path),), alphabet="\nbe\u0301é")
    ring = task.region()
    assert ring == "é\nb" and (task.encode(written) == task.encode(ring)).all()
    assert task.decode(task.encode(written)) == ring
    model = lc.Model("rnn", task, 3)
    assert model.sample(written, 9) == model.sample(ring, 9)


@pytest.mark.parametrize("temperature", [0, 0.5, 100.0])
def test_sampling_never_says_that_a_character_is_unknown(temperature):
    task = Text(alphabet="ab")
    model = lc.Model("rnn", task, 3)
    model.params["readout.d"][task.unknown] = 1e4  # the likeliest by far
    assert task.symbols[task.unknown] == RARE
    assert set(model.sample("a?b", 50, temperature=temperature)) <= {"a", "b"}
    assert task.unknown not in model.sample(task.encode("a?"), 50, temperature=temperature)


def test_no_source_is_imported(tmp_path, monkeypatch):
    package = tmp_path / "loud"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('this ran')\n")
    (package / "quiet.py").write_text("x = 1\n" * 99)
    (tmp_path / "csv.py").write_text("not the standard library's\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Text(modules=("loud.quiet",)).region() == "x = 1\n" * 99
    assert "CSV" in Text(modules=("csv",)).region() and "loud" not in sys.modules
    for missing in ("loud.nothing", "loud..quiet", ".loud", "loud.quiet.x", ""):
        with pytest.raises(MissingSourceError, match="does not exist"):
            Text(modules=(missing,))
