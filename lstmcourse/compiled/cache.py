"""Compiled modules, kept in the user's cache folder from one process to the next.

`module` has Numba compile a text, or load what was compiled before. A text is written into the folder under a
name that is a hash of all that decides what its machine code is, because Numba checks nothing but the time
stamp of the source; and the files that Numba keeps beside it are compared with a list of sums before they are
read.

The folder is `lstmcourse.files.paths.cache_folder`, wherever Numba keeps what else it compiles. Nothing in
it is needed: what is damaged or was not written by this version is compiled anew, and where it cannot be
written, modules are compiled in memory. So they are where others may write, with a warning: what is loaded is
machine code. That a compilation begins is said on stderr if that is a terminal, and nowhere else, so that no
notebook's output depends on it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import linecache
import os
import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from ..files.paths import cache_folder

__all__ = ["announced", "environment", "from_cache", "module"]


@functools.cache
def environment() -> str:
    """All that decides what the machine code of a text is."""
    import llvmlite.binding
    import numba

    own = ("formulas.py", "kernels.py", "lowering.py", "tiles.py", "gemm.py", "caller.py", "native.py")
    sums = [hashlib.sha256(Path(__file__).with_name(name).read_bytes()).hexdigest() for name in own]
    versions = (sys.version, numba.__version__, llvmlite.__version__, np.__version__)
    processor = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten()
    settings = sorted(k for k in os.environ.items() if k[0].startswith("NUMBA_") and "CACHE" not in k[0])
    return repr((versions, processor, settings, sums))


def _sums(folder: Path, stem: str) -> dict[str, str]:
    found = {}
    for path in sorted((folder / "__pycache__").glob(f"{stem}.*.nb[ic]")):
        try:
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:  # it is none of ours, then
            found[path.name] = "unreadable"
    return found


def _write(path: Path, text: str) -> None:
    """Put a file in place in one go: who reads it finds the old one or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _lines(sums: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def _discard(folder: Path, stem: str) -> None:
    for path in [*(folder / "__pycache__").glob(f"{stem}.*"), folder / f"{stem}.sums", folder / f"{stem}.py"]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Have Numba keep what it compiles in a folder's ``__pycache__``, whatever NUMBA_CACHE_DIR says."""
    from numba import config

    kept = folder / "__pycache__"
    if kept.exists() and not kept.is_dir():
        kept.unlink()
    kept.mkdir(exist_ok=True, mode=0o700)
    _trust(kept)
    tempfile.TemporaryFile(dir=kept).close()  # where this fails, Numba would choose another folder
    before, config.CACHE_DIR = config.CACHE_DIR, ""
    try:
        yield
    finally:
        config.CACHE_DIR = before


class _UntrustedError(OSError):
    """Others may write in a folder from which machine code would be loaded."""


def _trust(folder: Path) -> None:
    """Raise an error if a folder is not the user's alone: what is loaded from it is run."""
    if not hasattr(os, "getuid"):
        return
    about = folder.stat()
    if about.st_uid != os.getuid():
        raise _UntrustedError(f"{folder} belongs to somebody else: set LSTMCOURSE_CACHE_DIR to one of yours")
    if about.st_mode & stat.S_IWOTH or (about.st_mode & stat.S_IWGRP and not _private(about.st_gid)):
        raise _UntrustedError(f"others may write in {folder}: chmod go-w it, or set LSTMCOURSE_CACHE_DIR")


def _private(group: int) -> bool:
    """Whether a group is the user's own, as Linux makes one for each user; it has the user's name."""
    import grp
    import pwd

    try:
        return grp.getgrgid(group).gr_name == pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return False


def from_cache(text: str) -> ModuleType:
    """The module, from the cache folder; OSError and other errors if that does not work."""
    stem = "cell_" + hashlib.sha256(f"{environment()}\n{text}".encode()).hexdigest()[:24]
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _trust(folder)
    source, listed = folder / f"{stem}.py", folder / f"{stem}.sums"
    try:
        good = source.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        good = False
    if not good:
        _discard(folder, stem)
        _write(source, text)
    try:
        known = listed.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        known = ""
    before = _sums(folder, stem)
    fresh = not before or known != _lines(before)
    if fresh and before:
        _discard(folder, stem)
        _write(source, text)
    try:
        with _beside(folder), announced(text) if fresh else contextlib.nullcontext():
            module = _import(source, f"lstmcourse_{stem}", text)
        if fresh:
            _write(listed, _lines(_sums(folder, stem)))
    except OSError:
        if fresh:  # the disk is full: a part is of no use
            _discard(folder, stem)
        raise
    return module


def _import(source: Path, name: str, text: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(text, str(source), "exec"), module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextlib.contextmanager
def announced(text: str) -> Iterator[None]:
    """Say that a first compilation takes a while: on a terminal only."""
    if sys.stderr is not None and sys.stderr.isatty():
        name = text.partition(" the cell ")[2].partition(". Written")[0] or "matrix products"
        print(f"lstmcourse: compiling {name}, once; a few seconds ...", file=sys.stderr, flush=True)
    yield


def _in_memory(text: str) -> ModuleType:
    """The module without a file."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    filename = f"<compiled program {digest}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = ModuleType(f"lstmcourse_{digest}")
    sys.modules[module.__name__] = module
    with announced(text):
        exec(compile(text, filename, "exec"), module.__dict__)
    return module


def module(text: Callable[[bool], str]) -> ModuleType:
    """A module from the cache, or compiled in memory where that does not work."""
    try:
        return from_cache(text(True))
    except Exception as error:  # of a damaged or read-only folder; what is wrong with the text shows below
        if isinstance(error, _UntrustedError):
            _warn(str(error))
    return _in_memory(text(False))


@functools.cache
def _warn(why: str) -> None:
    """Say, once, that nothing is kept."""
    warnings.warn(f"compiled programs are not kept: {why}", RuntimeWarning, stacklevel=3)
