"""Files from strangers: whatever they hold, they open or say what is wrong, and do nothing else.

Each form is tried by all that opens files: a checkpoint as it is, as a model, as a run to resume, as weights.
"""

import builtins
import json
import os
import random
import signal
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcourse as lc
from lstmcourse import checkpoints, interop
from lstmcourse.errors import FileError
from lstmcourse.exercises.notes import record
from lstmcourse.exercises.verdict import Verdict
from lstmcourse.experiments import storages
from lstmcourse.experiments.run import status
from lstmcourse.files import tensors as tensorfiles
from lstmcourse.files import whole as files

SECONDS, BYTES = 2.0, 60_000_000  # building the default text's task takes most of it


def packed(header, data=b""):
    """A safetensors file of this header, given as it stands or as JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def parts(path):
    """Header and data of a file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Header and data of a checkpoint of a run."""
    path = tmp_path_factory.mktemp("good") / "run.safetensors"
    lc.fit(lc.Model("rnn", "copy", 3), 2, batch_size=2, checkpoint=path, progress=False)
    return parts(path)


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory):
    """A file to write to."""
    return tmp_path_factory.mktemp("bad") / "from a stranger.safetensors"


WAYS = {
    "load": checkpoints.load,
    "model": lambda path: checkpoints.load(path).model(),
    "restore": lambda path: checkpoints.load(path).restore(lc.Model("rnn", "copy", 3)),
    "resume": lambda path: lc.fit(
        lc.Model("rnn", "copy", 3), 2, batch_size=2, checkpoint=path, resume=True, progress=False
    ),
    "weights": tensorfiles.read,
}


def opened(path, ways=WAYS):
    """Open a file in each way; every failure is soon there, and a FileError that names it."""
    content, said = path.read_bytes(), []
    for way in ways:
        began = time.perf_counter()
        tracemalloc.start()
        try:
            WAYS[way](path)
        except FileError as error:
            said.append(str(error))
            assert "from a stranger" in str(error)
        finally:
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        path.write_bytes(content)  # a run that was resumed has written it anew
        assert time.perf_counter() - began < SECONDS + len(content) / 1e6 and most < BYTES + 40 * len(content)
    return said


A = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HEADERS = {
    "a list": (b"[]", b""),
    "a number": (b"7", b""),
    "no UTF-8": (b'{"\xff": 1}', b""),
    "deep": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b""),
    "deep metadata": (b'{"__metadata__": {"lstmcourse": "' + b"[" * 100_000 + b'"}}', b""),
    "a key twice": (b'{"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}, "a": 1}', b"1234"),
    "metadata null": ({"__metadata__": None, "a": A}, bytes(8)),
    "metadata a list": ({"__metadata__": [], "a": A}, bytes(8)),
    "metadata no text": ({"__metadata__": {"lstmcourse": 1}, "a": A}, bytes(8)),
    "no place": ({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
    "more than a place": ({"a": A | {"strides": [4]}}, bytes(8)),
    "no dtype": ({"a": A | {"dtype": "X32"}}, bytes(8)),
    "dtype a list": ({"a": A | {"dtype": []}}, bytes(8)),
    "negative": ({"a": A | {"shape": [-2, -1]}}, bytes(8)),
    "fractions": ({"a": A | {"shape": [2.0]}}, bytes(8)),
    "true": ({"a": A | {"shape": [2, True]}}, bytes(8)),
    "enormous": ({"a": A | {"shape": [2**62, 2**62]}}, bytes(8)),
    "enormous and empty": ({"a": A | {"shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}, b""),
    "many axes": ({"a": A | {"shape": [1] * 10_000 + [2]}}, bytes(8)),
    "turned": ({"a": A | {"data_offsets": [8, 0]}}, bytes(8)),
    "before": ({"a": A | {"data_offsets": [-8, 0]}}, bytes(8)),
    "behind": ({"a": A | {"data_offsets": [2**62, 2**62 + 8]}}, bytes(8)),
    "overlapping": ({"a": A, "b": A | {"data_offsets": [4, 12]}}, bytes(12)),
    "a gap": ({"a": A, "b": A | {"data_offsets": [12, 20]}}, bytes(20)),
    "not filled": ({"a": A | {"shape": [3]}}, bytes(8)),
    "more than it says": ({"a": A}, bytes(9)),
    "no array of NumPy's": ({"a": A | {"dtype": "BF16", "shape": [4]}}, bytes(8)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_every_false_header_is_refused_by_all_that_read_files(anywhere, name):
    anywhere.write_bytes(packed(*HEADERS[name]))
    ways = [
        way for way in WAYS if name != "deep metadata" or way != "weights"
    ]  # for these they are just texts
    assert len(opened(anywhere, ways)) == len(ways)


@pytest.mark.parametrize("length", [2**63, 2**40, 10**9, 3])
def test_a_length_that_is_not_there_takes_no_memory(anywhere, length):
    anywhere.write_bytes(length.to_bytes(8, "little") + b"{}      ")
    assert len(opened(anywhere)) == len(WAYS)


def changed(path, good, change):
    """Write the good file with its description changed."""
    header, data = good
    about = json.loads(header["__metadata__"]["lstmcourse"])
    change(about)
    path.write_bytes(packed(header | {"__metadata__": {"lstmcourse": json.dumps(about)}}, data))


def put(*keys, value):
    def change(about):
        for key in keys[:-1]:
            about = about[key]
        about[keys[-1]] = value

    return change


def named(cell, **options):
    return lambda about: about["model"].update(cell=cell, options=options)


def task(**config):
    return put("model", "task", value=config)


DESCRIPTIONS = {
    **{f"version {v!r}": put("version", value=v) for v in (-5, 0, True, 1.0, "1", None, 10**30)},
    "package": put("package", value=[1]),
    **{f"size {v!r}": put("model", "hidden_size", value=v) for v in (0, -1, 1e9, 10**9, 10**40, True, "3")},
    **{f"embedding {v!r}": put("model", "embedding", value=v) for v in (0, -1, 10**12, False, 2.0)},
    **{f"dropout {v!r}": put("model", "dropout", value=v) for v in (True, 1.0, -0.1, float("nan"), None)},
    **{f"dtype {v}": put("model", "dtype", value=v) for v in ("float", "U1000000000", "O", "f2", "?")},
    "equations": put("model", "equations", value="0"),
    "no cell": named("../lstm"),
    "layers": named("depth_gated", layers=200_000),
    "layers below": named("depth_gated", layers=-1),
    "layers of none": named("depth_gated", layers={"a": []}),
    "self": named("depth_gated", self=1),
    "heads": named("slstm", heads=10**30),
    "periods": named("clockwork", periods=[1] * 3, sizes=[10**30, -1, 1]),
    "periods of none": named("clockwork", periods={"a": 1}),
    "peepholes": named("peephole", peepholes=["f", ["i"]]),
    "module": task(name="text", modules=["..x"]),
    "module of others": task(name="text", modules=["numpy"]),
    "module below": task(name="text", modules=["json..decoder"]),
    "module within": task(name="text", modules=["json.../etc/passwd"]),
    "modules": task(name="text", modules=["csv"] * 1000),
    "modules of none": task(name="text", modules={"csv": 1}),
    "files": task(name="text", files=["/etc/passwd"]),
    "files as text": task(name="text", files="/etc/passwd"),
    "alphabet": task(name="text", alphabet="a" * 1_000_000),
    "symbols": task(name="copy", alphabet=10**9),
    "symbols below the bound": task(name="copy", alphabet=90_000),
    "steps": task(name="adding", steps=10**15),
    "countries": task(name="clouds", countries=10**12),
    "gap": task(name="agreement", gap=[0, 10**12]),
    "name twice": task(name="adding", cls=1),
    "no task": task(name="os.system"),
    "task of none": task(),
    "task a list": task(name=["adding"]),
}  # fmt: skip


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_false_description_is_refused_before_anything_is_done(anywhere, good, name, monkeypatch):
    """No module is imported, and no file opened but this one and the standard library's."""
    changed(anywhere, good, DESCRIPTIONS[name])
    library = os.path.dirname(os.__file__)

    def watched(file, *args, original=builtins.open, **kwargs):
        inside = isinstance(file, int) or str(file).startswith((library, str(anywhere.parent)))
        assert inside and "site-packages" not in str(file), f"opened: {file}"
        return original(file, *args, **kwargs)

    before = set(sys.modules)
    monkeypatch.setattr(builtins, "open", watched)
    said = opened(anywhere, ("model", "restore", "resume"))
    assert said and all(module.startswith("lstmcourse.cells.") for module in set(sys.modules) - before)


def test_what_was_named_by_the_caller_may_be_read(anywhere, tmp_path):
    (tmp_path / "a.txt").write_text("abcd" * 100)
    text = lc.tasks.Text(files=(str(tmp_path / "a.txt"),))
    checkpoints.save(anywhere, lc.Model("rnn", text, 3), overwrite=True)
    with pytest.raises(FileError, match="from a stranger.*it names files, .*a.txt.*pass it as task="):
        checkpoints.load(anywhere).model()
    assert checkpoints.load(anywhere).model(task=text).task is text


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("carried/h", np.zeros((2, 9), np.float32)),
        ("carried/h", np.zeros((2, 3), np.int64)),
        ("history/loss", np.zeros(2, np.complex64)),
        ("history/validation", np.full((1, 3), np.inf)),
        ("history/validation", np.full((1, 3), np.nan)),
        ("optimizer/step", np.zeros(3)),
        ("params/cell.W_h", np.zeros((10, 3), np.bool_)),
    ],
)
def test_arrays_of_a_run_that_do_not_fit_are_refused(anywhere, good, name, array):
    anywhere.write_bytes(packed(*good))
    arrays, metadata = tensorfiles.read(anywhere)
    from safetensors.numpy import save_file

    save_file(arrays | {name: array}, anywhere, metadata)
    assert opened(anywhere, ("resume",))


def test_weights_from_a_stranger(anywhere):
    """What `load_torch` and `load_keras` refuse names the file too."""
    for load in (interop.load_torch, interop.load_keras):
        for header, data in HEADERS.values():
            anywhere.write_bytes(packed(header, data))
            with pytest.raises(FileError, match="from a stranger"):
                load(anywhere, lc.cells.lstm)


# At random.

WAY = st.sampled_from(sorted(WAYS))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["F32", "adding", "text", "lstm", "depth_gated", "float64", "name", "modules"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None, database=None)
@given(value=JSON, place=st.integers(0, 10**6), how=st.sampled_from(["description", "header"]), way=WAY)
def test_any_value_at_any_place_of_what_a_file_says(anywhere, good, value, place, how, way):
    header, data = json.loads(json.dumps(good[0])), good[1]
    about = json.loads(header["__metadata__"]["lstmcourse"])
    root = about if how == "description" else header
    places = []

    def look(node):
        for key in range(len(node)) if isinstance(node, list) else node:
            places.append((node, key))
            if isinstance(node[key], dict | list):
                look(node[key])

    look(root)
    node, key = places[place % len(places)]
    node[key] = value
    if how == "description":
        header["__metadata__"]["lstmcourse"] = json.dumps(about)
    anywhere.write_bytes(packed(header, data))
    opened(anywhere, [way])


@settings(max_examples=60, deadline=None, database=None)
@given(seed=st.integers(0, 2**32), where=st.sampled_from(["anywhere", "header", "length"]), way=WAY)
def test_damaged_bytes(anywhere, good, seed, where, way):
    rng, content = random.Random(seed), bytearray(packed(*good))
    end = {"anywhere": len(content), "header": len(content) - len(good[1]), "length": 8}[where]
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(end)] = rng.randrange(256)
    if rng.random() < 0.3:
        content = content[: rng.randrange(len(content))]
    anywhere.write_bytes(content)
    opened(anywhere, [way])


# What is no file at all: a pipe that nobody writes to would be waited for, a device may have no end.


def noted(path):
    """A note of a verdict, and what is noted, where the course folder came from somebody else."""
    record("01.2", Verdict(False, "wrong", "Wrong."))
    return lc.progress()


def board(path):
    return lc.design(folder=path.parent.parent)


def shared(path):
    with files.alone(path):
        return "held"


DOORS = {
    "opened": ("a", lambda path: files.opened(path).__enter__()),
    "append": ("a", lambda path: files.append(path, b"line")),
    "replace": ("a", lambda path: files.replace(path, b"")),
    "alone": ("a", shared),
    "held": ("a", files.held),
    "tensors": ("a", tensorfiles.read),
    "chorales": ("a", lambda path: lc.tasks.Chorales(path).batch(batch_size=2)),
    "text": ("a", lambda path: lc.tasks.Text(files=(str(path),))),
    "import": ("a", lc.experiments.import_trials),
    "journal": ("a.jsonl", lambda path: status(lc.experiments.get("memory_spans"), journal=path)),
    "a study's lock": ("a.door", lambda path: joined("memory_spans", path.with_suffix(".jsonl"))),
    "board": (".lstmcourse/leaderboard.json", board),
    "notes": (".lstmcourse/answers.jsonl", noted),
}


def joined(name, journal):
    e = lc.experiments.get(name)
    with storages.joined(e, "study", journal, {}):
        return "joined"


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there are no such pipes")
@pytest.mark.parametrize("kind", ["a pipe", "a device", "a folder"])
@pytest.mark.parametrize("door", DOORS)
def test_nobody_waits_for_a_pipe_or_reads_a_device(tmp_path, monkeypatch, door, kind, capsys):
    name, enter = DOORS[door]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    make = {"a pipe": os.mkfifo, "a device": lambda path: path.symlink_to(os.devnull), "a folder": os.mkdir}
    make[kind](path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))

    def late(*args):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    try:
        said = enter(path)
    except (FileError, OSError, lc.tasks.MissingSourceError) as error:
        said = str(error)
        assert path.name in said
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if door == "notes":
        assert said.done == [] and capsys.readouterr().out.count("answers.jsonl") == 2
    else:
        assert said is None or path.name in said
    assert os.path.lexists(path)


NOTE = {"id": "01.2", "right": True, "mistake": "", "at": "2026-01-01T00:00:00+00:00"}
NOT_NOTES = {
    "deep": b"[" * 100_000,
    "many digits": b'{"id": ' + b"1" * 10_000 + b"}",
    "no UTF-8": b"\xff\xfe",
    "not all": b'{"id": "01.2", "right": true}',
    "right by number": json.dumps(NOTE | {"right": 1}).encode(),
    "half a letter": json.dumps(NOTE | {"at": "\ud800"}).encode(),
    "a terminal's code": json.dumps(NOTE | {"at": "\x1b[31m"}).encode(),
    "a formula": json.dumps(NOTE | {"at": "=1+1"}).encode(),
    "endless": b" " * 10_000_000,
}


@pytest.mark.parametrize("name", NOT_NOTES)
def test_notes_of_a_stranger_are_passed_over_and_the_others_count(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".lstmcourse").mkdir()
    later = json.dumps(NOTE | {"id": "01.4"}).encode()
    (tmp_path / ".lstmcourse" / "answers.jsonl").write_bytes(NOT_NOTES[name] + b"\n" + later)
    tracemalloc.start()
    progress = lc.progress()
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert progress.done == ["01.4"]
    assert progress.csv("a.csv").isascii() and len(json.loads(progress.json("a.json"))) == len(progress.rows)


# Compiled programs are machine code: a folder that others may write is not believed.


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Compile, from a folder of some permissions; and the folder."""
    pytest.importorskip("numba", reason="Numba is optional")
    from lstmcourse.compiled import cache

    text = "from numba import njit\n\n@njit('intp(intp)', cache={})\ndef more(x):\n    return x + 1\n"
    folder = tmp_path / "cache"
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(folder))
    cache._warn.cache_clear()
    return lambda: cache.module(lambda kept: text.format(kept)).more(1), folder, cache


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other permissions")
@pytest.mark.parametrize("where", ["", "__pycache__"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702, 0o770])
def test_what_others_may_have_put_into_the_cache_is_not_run(compiled, monkeypatch, where, mode):
    more, folder, cache = compiled
    monkeypatch.setattr(cache, "_private", lambda group: False)
    (folder / where).mkdir(parents=True)
    (folder / where).chmod(mode)
    with pytest.warns(RuntimeWarning, match="are not kept: others may write in .*cache.*: chmod go-w it, or"):
        assert more() == 2
    assert more() == 2  # said once
    assert not list(folder.rglob("*.nbi"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other permissions")
def test_a_cache_of_ones_own_is_believed_also_where_each_user_has_a_group(compiled, monkeypatch):
    more, folder, cache = compiled
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(cache, "_private", lambda group: True)
    folder.chmod(0o775)
    assert more() == 2 and (folder / "__pycache__").stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("*.nbi"))
    monkeypatch.setattr(cache.os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="are not kept: .*cache belongs to somebody else"):
        assert more() == 2


def test_which_group_is_private():
    pytest.importorskip("grp", reason="Windows has no such groups")
    import grp
    import pwd

    from lstmcourse.compiled.cache import _private

    me = pwd.getpwuid(os.getuid()).pw_name
    for group in grp.getgrall():
        assert _private(group.gr_gid) == (group.gr_name == me)
    assert not _private(2**31 - 7)
