"""Files: the old content or the new, whatever happens, and nothing else; errors that name the file."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lstmcourse.errors import FileError
from lstmcourse.files import whole as files

LINUX = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither links for all nor permissions"
)


@pytest.fixture(params=["locks", "no locks on this disk", "another system"])
def system(request, monkeypatch):
    """What `files` finds; the third is Windows, which has no such locks at all."""
    if request.param == "another system":
        monkeypatch.setattr(files, "fcntl", None)
    elif request.param == "no locks on this disk":

        def flock(*args):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(files.fcntl, "flock", flock)
    return request.param


def test_bytes_and_a_function_that_writes(tmp_path, system):
    path = tmp_path / "a" / "b" / "file.txt"
    assert files.replace(str(path), b"old") == path and path.read_bytes() == b"old"
    files.replace(path, lambda file: [file.write(b"new"), file.write(b"er")])
    assert path.read_bytes() == b"newer" and os.listdir(path.parent) == ["file.txt"]


@LINUX
def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    link.symlink_to("there/target")
    for content in (b"made", b"replaced"):
        files.replace(link, content)
        assert link.is_symlink() and os.readlink(link) == "there/target" and target.read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["link", "there"] and os.listdir(tmp_path / "there") == ["target"]
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match=r"round'"):
        files.replace(tmp_path / "round", b"")


@LINUX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_permissions_are_kept_and_new_files_have_the_usual_ones(tmp_path, mode):
    old, new, usual = (tmp_path / name for name in ("old", "new", "usual"))
    old.touch()
    old.chmod(mode)
    files.replace(old, b"x")
    assert stat.S_IMODE(old.stat().st_mode) == mode
    usual.touch()
    files.replace(new, b"x")
    assert new.stat().st_mode == usual.stat().st_mode


def broken(kind):
    def fail(*args, **kwargs):
        raise kind

    return fail


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
@pytest.mark.parametrize("kind", [FULL, OSError("no space left"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, where, kind, system):
    path = files.replace(tmp_path / "file", b"old")
    content = broken(kind) if where == "write" else b"new"
    if where != "write":
        monkeypatch.setattr(os, where, broken(kind))
    with pytest.raises(type(kind)) as caught:
        files.replace(path, content)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    if isinstance(kind, OSError):
        assert caught.value.filename == str(path) and str(path) in str(caught.value)
        assert "no space left" in str(caught.value).lower()
        assert caught.value.errno == (kind.errno or errno.EIO)


@LINUX
def test_what_must_not_be_replaced_is_refused_before_and_then(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "file")
    for name, number in {
        "pipe": errno.EINVAL, "folder": errno.EISDIR, "file": errno.EACCES,
        "file/below": errno.EEXIST, "n" * 300: errno.ENAMETOOLONG,
    }.items():  # fmt: skip
        for attempt in (files.check_replaceable, lambda path: files.replace(path, b"new")):
            with pytest.raises(OSError, match=name[:9]) as caught:
                attempt(tmp_path / name)
            assert caught.value.errno == number and caught.value.filename == str(tmp_path / name)
    files.check_replaceable(tmp_path / "new" / "file")
    assert os.listdir(tmp_path / "new") == []
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "new", "pipe"]


KILLED = """
import os, sys
from lstmcourse import files
files.replace(sys.argv[1], lambda file: (file.write(b"half"), file.flush(), os._exit(9)))
"""


@LINUX
def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    path = files.replace(tmp_path / "file", b"old")
    others = [".lstmcourse-notes", "x.part", "lstmcourse-1.part"]
    for name in others:
        (tmp_path / name).touch()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment).returncode == 9
    assert path.read_bytes() == b"old" and len(os.listdir(tmp_path)) == 5

    def within(file):
        """Another writer comes while this one is at it: it sweeps the one that was killed, not this."""
        files.replace(tmp_path / "second", b"")
        assert len(list(tmp_path.glob(".lstmcourse-*.part"))) == 1

    files.replace(path, within)
    assert sorted(os.listdir(tmp_path)) == sorted(["file", "second", *others])


@pytest.mark.parametrize("system", ["no locks on this disk", "another system"], indirect=True)
def test_without_locks_only_what_is_old_is_swept(tmp_path, system):
    old, young = (tmp_path / f".lstmcourse-{name}.part" for name in ("old", "young"))
    for part in (old, young):
        part.touch()
    os.utime(old, (time.time() - 4000,) * 2)
    files.replace(tmp_path / "file", b"")
    assert sorted(os.listdir(tmp_path)) == [young.name, "file"]


def test_a_file_that_was_swept_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, first = files._lock, []

    def late(file, *, wait):
        if wait and not first:
            first.append(file.name)
            os.unlink(file.name)
        return lock(file, wait=wait)

    monkeypatch.setattr(files, "_lock", late)
    assert files.replace(tmp_path / "file", b"new").read_bytes() == b"new" and first
    assert os.listdir(tmp_path) == ["file"]


def test_file_and_folder_are_on_the_disk_in_this_order(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (calls.append(stat.S_ISDIR(os.fstat(fd).st_mode)), fsync(fd))[1]
    )
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("renamed"), replace(a, b))[1])
    files.replace(tmp_path / "file", b"x")
    assert calls == [False, "renamed", True]
    monkeypatch.setattr(os, "open", broken(PermissionError()))  # Windows opens no folders
    assert files.replace(tmp_path / "file", b"y").read_bytes() == b"y"


def test_threads_that_write_and_read_one_file(tmp_path):
    path, contents = tmp_path / "file", [bytes([k]) * 200_000 for k in range(3)]
    files.replace(path, contents[0])
    stop, problems = time.perf_counter() + 0.5, []

    def work(k):
        while time.perf_counter() < stop:
            try:
                files.replace(path, contents[k])
                assert path.read_bytes() in contents
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged: it is not JSON"),
        (b'{"a": 1', "is damaged: it is not JSON"),
        (b'{"a": 1, "a": 2}', "is damaged: it is not JSON .a key comes twice"),
        (b"[" * 100_000, "is damaged: it is not JSON"),
        (b'"\xff"', "is damaged: it is not JSON .*utf-8"),
        (b"1" * 10_000, "is damaged: it is not JSON"),
    ],
)
def test_damaged_json_is_named(tmp_path, content, message):
    path = files.replace(tmp_path / "results.json", content)
    with pytest.raises(FileError, match=f"results.json {message}"):
        files.read_json(path)


@LINUX
def test_what_cannot_be_read_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, reason in {"pipe": "a pipe", "none": "No such file", "": "a folder", "a\0b": "null"}.items():
        with pytest.raises(FileError, match=f"cannot be read: .*{reason}"):
            files.read_json(tmp_path / name)
    assert files.read_json(files.replace(tmp_path / "a", b'{"a": [1.5, "\xc3\xa9"]}')) == {"a": [1.5, "é"]}


# Being the only one


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path):
    """Also by a kill: the file stays, and locks nothing."""
    path = tmp_path / "folder" / "work.lock"
    script = (
        "import sys, time; from lstmcourse import files\n"
        "with files.alone(sys.argv[1]): print(1, flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        with pytest.raises(BlockingIOError, match="work.lock"), files.alone(path):
            pass
        other.kill()
    with files.alone(path), pytest.raises(BlockingIOError), files.alone(path):
        pass
    assert path.exists()
    with files.alone(path):
        pass


def test_a_lock_on_windows(tmp_path, monkeypatch):
    """With a stand-in for its module: one byte at the start of an empty file, without waiting."""
    held = set()

    def locking(handle, mode, count):
        assert (mode, count, os.lseek(handle, 0, os.SEEK_CUR)) == ("without waiting", 1, 0)
        if held:
            raise PermissionError(errno.EACCES, "Permission denied")
        held.add(handle)

    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(
        files, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK="without waiting"), raising=False
    )
    with (
        files.alone(tmp_path / "work.lock"),
        pytest.raises(BlockingIOError),
        files.alone(tmp_path / "work.lock"),
    ):
        pass
    assert len(held) == 1


@pytest.mark.skipif(files.fcntl is None, reason="flock")
def test_without_locks_work_goes_on_unprotected(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", flock)
    with files.alone(tmp_path / "work.lock"), files.alone(tmp_path / "work.lock"):
        pass
