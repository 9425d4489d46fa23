"""Files: replaced whole or not at all, and read with errors that name them.

What a reader can do here: `replace` a file, so that at every moment its path holds the old content or the
new; ask before long work whether that could be done (`check_replaceable`); `append` a line to one; open one
(`opened`), `read_json`; be the only one at some work (`alone`), and know whether somebody is (`held`).

New content is written beside the file, under a name that nobody else has, and renamed when it is on the disk.
A writer that is killed leaves such a file behind; the next one that writes to that folder removes it. Who is
still writing is known by a lock, and where there are none by the age of the file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import FileError
from .paths import expand

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None  # type: ignore[assignment]

__all__ = ["alone", "append", "check_replaceable", "held", "opened", "parse_json", "read_json", "replace"]

_PREFIX, _SUFFIX = ".lstmcourse-", ".part"
_ABANDONED = 3600.0  # seconds; only where files cannot be locked


def replace(path: str | os.PathLike, content: bytes | Callable[[BinaryIO], object]) -> Path:
    """Give a file new content, at once: whoever reads it, whenever, finds the old file or the new, whole.

    The new content is on the disk when this returns. Folders are made where they are missing, a symbolic link
    stays one and what it points to is replaced, and an existing file keeps its permissions.

    Parameters
    ----------
    path : path
        Of a file, which may exist.
    content : bytes or callable
        The bytes, or a function that is called with a binary file and writes them.

    Returns
    -------
    Path
        The path that was given.

    Raises
    ------
    OSError
        The disk is full, the folder or the file is read-only, the path is a folder or a device, and so on.
        The error names the path; the old file is as it was, and nothing is left beside it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = replace(f"{folder}/notes/today.txt", b"Hello")
    ...     path.read_bytes()
    b'Hello'
    """
    path = expand(path)
    with _named(path):
        target = _target(path)
        _sweep(target.parent)
        part, file = _new_part(target)
        try:
            with file:
                if callable(content):
                    content(file)
                else:
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
                _let_go(file)
                os.replace(part, target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        _sync_folder(target.parent)
    return path


def check_replaceable(path: str | os.PathLike) -> None:
    """Raise what `replace` would raise, before there is anything to write; folders are made.

    Raises
    ------
    OSError
        As `replace` does; a disk may still be full later.
    """
    path = expand(path)
    with _named(path):
        part, file = _new_part(_target(path))
        file.close()
        part.unlink()


def append(path: str | os.PathLike, line: bytes, *, sync: bool = False) -> None:
    r"""Add a line to a file in one go, so that several may write at once; one that was cut off stays alone.

    Parameters
    ----------
    path : path
        Of the file, which is made if it is missing.
    line : bytes
        Without the newline at its end.
    sync : bool
        Whether the line is on the disk when this returns.

    Raises
    ------
    OSError
        The disk is full, the file is read-only, a folder, a pipe or a device. The error names the path.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = replace(f"{folder}/notes", b"cut o")
    ...     append(path, b"whole")
    ...     path.read_bytes()
    b'cut o\nwhole\n'
    """
    path = expand(path)
    with _named(path), open(path, "a+b", buffering=0, opener=_only_files) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        rest = b"\n" * (file.read(1) not in (b"", b"\n")) + line + b"\n"
        while rest:  # a disk that fills up takes a part, and says so at the next one
            rest = rest[file.write(rest) :]
        if sync:
            os.fsync(file.fileno())


@contextlib.contextmanager
def opened(path: str | os.PathLike, error: type[FileError] = FileError) -> Iterator[BinaryIO]:
    """Open a regular file to be read; what the system says against that, then or later, names the file.

    Raises
    ------
    FileError
        Or `error`: there is no such file, it cannot be read, or it is a folder, a pipe or a device.
    """
    path = expand(path)
    try:
        try:
            file = open(path, "rb", opener=_only_files)  # noqa: SIM115 closed below
        except ValueError as problem:  # a name that no system takes
            raise error(f"{str(path)!r} cannot be read: {problem}") from problem
        with file:
            yield file
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror or problem}") from problem


def read_json(path: str | os.PathLike, error: type[FileError] = FileError) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    FileError
        Or `error`: as `opened` raises it, or the content is no JSON; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = replace(f"{folder}/a.json", b'{"a": [1, 2')
    ...     try:
    ...         read_json(path)
    ...     except FileError as problem:
    ...         print(str(problem).replace(str(path), "a.json"))
    a.json is damaged: it is not JSON (Expecting ',' delimiter: line 1 column 12 (char 11))
    """
    with opened(path, error) as file:
        return parse_json(file.read(), f"{path} is damaged: it is", error)


def parse_json(text: str | bytes, what: str, error: type[FileError] = FileError) -> Any:
    """Return what JSON in UTF-8 says; `what` begins the message of the error where it is none.

    A key that comes twice is refused: two programs may take different ones.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key comes twice in one object")
        return found

    try:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as problem:
        raise error(f"{what} not JSON ({problem})") from problem


@contextlib.contextmanager
def alone(path: str | os.PathLike, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock while the block runs, so that nobody else does who asks for the same path.

    The system lets go of it when the process ends, however that ends: what a killed one has left behind locks
    nothing. The file is empty, and stays. On a file system without locks the block runs unprotected.

    Parameters
    ----------
    path : path
        Of the lock; the file and its folders are made where they are missing.
    patience : float
        For how many seconds to wait until others let go of it; may be infinite.

    Raises
    ------
    BlockingIOError
        Another process holds the lock, or another thread.
    OSError
        There cannot be such a file, or it is a folder, a pipe or a device.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone(f"{folder}/work.lock"):
    ...     try:
    ...         with alone(f"{folder}/work.lock"):
    ...             print("two")
    ...     except BlockingIOError:
    ...         print("one")
    one
    """
    path, end = expand(path), time.monotonic() + patience
    os.makedirs(path.parent, exist_ok=True)
    with open(path, "ab", opener=_only_files) as file:
        while (_lock(file, wait=True) if fcntl and patience == math.inf else _take(file)) is False:
            if time.monotonic() >= end:
                raise BlockingIOError(errno.EAGAIN, "somebody else holds this lock", str(path))
            time.sleep(0.02)
        yield


def held(path: str | os.PathLike) -> bool | None:
    """Whether somebody holds a lock that `alone` takes; None where that cannot be known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with alone(f"{folder}/work.lock"):
    ...         during = held(f"{folder}/work.lock")
    ...     during, held(f"{folder}/work.lock"), held(f"{folder}/unknown")
    (True, False, None)
    """
    try:
        with open(expand(path), "r+b", opener=_only_files) as file:
            taken = _take(file)
    except OSError:
        return None
    return None if taken is None else not taken


# ----------------------------------------------------------------------------------------------------- parts


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let every error of the system name this path, whichever file or folder it came from."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error


def _only_files(path: str, flags: int) -> int:
    """Open a file, for `open`; where one would wait (a pipe) or never come to an end (a device), refuse."""
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is a folder, a pipe or a device, not a file", str(path))
    return handle


def _target(path: Path) -> Path:
    """Return the file that is to be replaced, links followed; refuse one that must not be."""
    os.makedirs(path.parent, exist_ok=True)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:  # a new file, or a link to one
        return Path(os.path.realpath(path))
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, os.strerror(number))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only")
    return Path(os.path.realpath(path))


def _new_part(target: Path) -> tuple[Path, BinaryIO]:
    """Open a new file beside the target, with its permissions; it is ours until it is closed."""
    while True:
        part = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
        file = open(part, "xb")  # noqa: SIM115 the caller closes it
        try:
            _lock(file, wait=True)
            if part.exists():  # else it was swept before it was locked
                with contextlib.suppress(OSError):  # a new file, or a file system without permissions
                    os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
                return part, file
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
        file.close()


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder."""
    for part in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError), open(part, "r+b") as file:
            free = _lock(file, wait=False)
            if free is None:  # there are no locks
                free = time.time() - os.fstat(file.fileno()).st_mtime > _ABANDONED
                _let_go(file)
            if free:
                part.unlink()


# What differs between systems.


def _lock(file: BinaryIO, *, wait: bool) -> bool | None:
    """Lock a file until it is closed. Return whether that was done; None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _take(file: BinaryIO) -> bool | None:
    """Lock an empty file as `_lock` does without waiting, on every system."""
    if fcntl is not None:
        return _lock(file, wait=False)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _let_go(file: BinaryIO) -> None:
    """Close a file where an open one can be neither renamed nor removed; elsewhere it stays locked."""
    if fcntl is None:
        file.close()


def _sync_folder(folder: Path) -> None:
    """Put a folder's new entry on the disk, where the system can: what it holds is there in any case."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
