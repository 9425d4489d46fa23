"""Where a study is kept: a journal file, which is rebuilt where it is damaged, or a database by its URL."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lstmcourse.errors import FileError
from lstmcourse.experiments.define import Experiment
from lstmcourse.experiments.ledger import RESULT, Ledger
from lstmcourse.experiments.store import Trial
from lstmcourse.files import whole as files

__all__ = ["joined", "storage"]

PATIENCE = 60.0
"""Seconds to wait for whoever is just coming in, leaving, or writing."""


@contextmanager
def joined(e: Experiment, study: str, where: Path | str, known: Mapping[tuple, Trial]) -> Iterator[Ledger]:
    """Take part in a study as a runner; a journal that is no longer needed is removed at the end.

    Parameters
    ----------
    e : Experiment
    study : str
        The study's name in the storage: one for each state of the code.
    where : Path or str
        A journal file, or the URL of a database.
    known : mapping of tuple to Trial
        What is measured already, and stored elsewhere.

    Raises
    ------
    ConnectionError
        The database no longer answers.
    """
    journal = where if isinstance(where, Path) else None
    # one at a time comes in, or leaves: who was the last removes the journal
    door = lambda: files.alone(journal.with_suffix(".door"), PATIENCE) if journal else nullcontext()
    with ExitStack() as stack:
        with door():
            ledger = Ledger(e, stack.enter_context(storage(e, study, where)), study, known)
            stack.enter_context(ledger.runner())
        try:
            yield ledger
        finally:
            with door():
                last = ledger.stored and not ledger.runners()
                stack.close()
                if journal and last:
                    journal.unlink(missing_ok=True)


@contextmanager
def storage(e: Experiment, study: str, where: Path | str) -> Iterator[BaseStorage]:
    """Open a journal file, which is rebuilt where it is damaged, or a database."""
    if isinstance(where, Path):
        yield _mended(e, study, where)
        return
    database = _database(where)
    try:
        yield get_storage(database)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise ConnectionError(
            f"{e.name}: the database does not answer ({type(error).__name__}). Finished trials are kept: "
            "run again"
        ) from error
    finally:
        database.remove_session()
        database.engine.dispose()


def _mended(e: Experiment, study: str, path: Path) -> BaseStorage:
    """Open a journal file, and before that rebuild it where it is damaged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    lock = _lock(path)
    lock.acquire()
    try:
        sound, results = _examined(path)
        if not sound:
            _rebuild(e, study, path, results)
    finally:
        lock.release()
    try:
        return _journal(path)
    except Exception:  # each line is Optuna's, and it can make no sense of them
        _rebuild(e, study, path, results)
    return _journal(path)


def _journal(path: Path) -> JournalStorage:
    return JournalStorage(_Journal(path))


class _Journal(JournalFileBackend):
    """Optuna's journal file, with our lock, which waits for the disk only where a result is written.

    What else a power failure takes away is of no use without the process that wrote it.
    """

    def __init__(self, path: Path):
        self.path, self.lock = path, _lock(path)
        super().__init__(str(path), lock_obj=self.lock)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Read the lines from one on; nothing of what was read before may be gone."""
        if os.path.getsize(self.path) < max(self._log_number_offset.values()):
            raise FileError(
                f"{self.path} was emptied or removed while a study was at work, and what it held is lost: "
                "leave it alone, and run the study again"
            )
        yield from super().read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add lines, all of them or none."""
        lines = b"\n".join(json.dumps(log, separators=(",", ":")).encode() for log in logs)
        self.lock.acquire()
        try:
            size = os.path.getsize(self.path)
            try:
                files.append(self.path, lines, sync=any(_results(log) for log in logs))
            except OSError:
                with suppress(OSError):
                    os.truncate(self.path, size)
                raise
        finally:
            self.lock.release()


def _results(op: dict[str, Any]) -> list[Any]:
    """Return the results that a line of Optuna's journal holds: of a trial old, or new."""
    held = (op.get(k) for k in ("user_attr", "user_attrs"))
    return [
        attributes[RESULT] for attributes in held if isinstance(attributes, dict) and RESULT in attributes
    ]


def _lock(path: Path) -> _Lock | JournalFileOpenLock:
    """Return our own lock where a file can be locked and read at the same time, else Optuna's."""
    return JournalFileOpenLock(str(path)) if os.name == "nt" or files.held(path) is None else _Lock(path)


class _Lock:
    """The system's lock on a journal, for Optuna.

    Optuna's own outlives whoever is killed while he holds it, by half a minute, and a line that was cut short
    by a kill or a full disk would spoil the next one. This one ends with its process, and whoever gets it
    removes such a line first.
    """

    def __init__(self, path: Path):
        self.path = path

    def acquire(self) -> bool:
        """Wait for the lock; remove a last line that has no end."""
        self._held = files.alone(self.path, math.inf)
        self._held.__enter__()
        self._mend()
        return True

    def release(self) -> None:
        """Let go of it."""
        self._held.__exit__(None, None, None)

    def _mend(self) -> None:
        with open(self.path, "r+b") as f:
            end = f.seek(0, os.SEEK_END)
            f.seek(max(0, end - 1))
            if f.read(1) in (b"", b"\n"):
                return
            f.seek(0)
            f.truncate(f.read().rfind(b"\n") + 1)


def _examined(path: Path) -> tuple[bool, list[Trial]]:
    """Return whether all lines of a journal are Optuna's, and the results in it; others are named in the log.

    A line may also be a result alone, as journals held it before there was Optuna.
    """
    sound, results = True, []
    with files.opened(path) as lines:
        for n, line in enumerate(lines, 1):
            place = f"{path}, line {n},"
            try:
                said = files.parse_json(line, f"{place} is") if line.strip() else {"op_code": None}
                if isinstance(said, dict) and "op_code" in said:
                    sound &= type(said["op_code"]) is int and all(
                        isinstance(said.get(k, {}), dict) for k in ("user_attr", "user_attrs")
                    )
                    found = _results(said)
                else:
                    sound, found = False, [said]
                results += [Trial.parse(r, place) for r in found]
            except FileError as error:
                sound = False
                logging.getLogger(__name__).warning("%s; it is measured again", error)
    return sound, results


def _rebuild(e: Experiment, study: str, path: Path, results: list[Trial]) -> None:
    """Write a journal anew with the results that are known, and keep the old one beside it.

    A journal that is a link stays one; links that somebody left under the names of ours lead nowhere.
    """
    path = path.resolve()
    fresh, damaged = path.with_suffix(".new"), path.with_suffix(".damaged")
    for made in (fresh, damaged):
        made.unlink(missing_ok=True)
    try:
        for made in (fresh, damaged):
            open(made, "xb").close()
        ledger = Ledger(e, _journal(fresh), study, {})
        for trial in {t.key: t for t in results}.values():
            ledger.add(trial)
        shutil.copy2(path, damaged)
        os.replace(fresh, path)
    except OSError:  # the disk is full: the old one is as it was
        for made in (fresh, damaged):
            made.unlink(missing_ok=True)
        raise


def _database(url: str) -> RDBStorage:
    """Open a database; its tables are made where they are missing."""
    try:
        shown = make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError) as error:
        shown = re.sub(":[^/@]*@", ":***@", url)
        raise ValueError(
            f"storage={shown!r} is no URL of a database, such as sqlite:///studies.db"
        ) from error
    patient = {"connect_args": {"timeout": PATIENCE}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    for attempt in range(5):
        try:
            return RDBStorage(url, engine_kwargs=patient)
        except (ImportError, RuntimeError, ValueError, SQLAlchemyError, StorageInternalError) as error:
            # those who make the tables at the same moment are in each other's way, each in words of its own
            if attempt == 4 or not isinstance(error, (SQLAlchemyError, StorageInternalError)):
                said = str(error).splitlines()[0]
                raise ValueError(
                    f"storage={shown!r} cannot be opened ({said}): is the server there, the user known to "
                    "it, and its driver installed? pip install 'lstmcourse[studies]' brings PostgreSQL's"
                ) from error
            time.sleep(0.2)
    raise AssertionError("not reached")
