"""Which trials of a study are measured, by whom, and what came of them: kept by Optuna.

Optuna has the storages (a journal file, SQLite, PostgreSQL) and what reads them, and promises what all else
rests on: what was measured is on the disk, trials are numbered one after another, and a trial ends once.
Runners share a study by these alone. Who takes up a trial adds a RUNNING one of Optuna's that names it; of
several the first counts. When its runner ends before it does, somebody else lets it fail, and the trial is
free again.

What Optuna does not know is whether a runner is still there: its journal has no heartbeat. So every runner
leaves a beat in the study, and holds a lock on its own machine. One whose lock is free has ended; so has one
whose beat nobody has seen change for `LEASE` seconds of the observer's own clock.

A journal may come from anyone. So what it says is read with care, and names no file: a runner's lock lies in
our own cache folder, under the runner's name. What makes no sense is passed over, and measured again.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from lstmcourse.checks import number
from lstmcourse.errors import FileError
from lstmcourse.experiments.define import Experiment, _key
from lstmcourse.experiments.search import Choice, Range
from lstmcourse.experiments.store import Trial
from lstmcourse.files import whole as files
from lstmcourse.files.paths import cache_folder

__all__ = ["BEAT", "LEASE", "RESULT", "Claim", "Ledger"]

BEAT, LEASE = 10.0, 60.0
"""Seconds between two beats of a runner, and without one until its trials are free again."""
RESULT = "result"
"""The attribute of Optuna's trial that holds ours; it says all of it, whatever becomes of the rest."""
_RUNNER, _STOP = "runner", "stop"

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Claim:
    """A trial that a runner has taken up, and the trial of Optuna's that says so."""

    point: Mapping[str, Any]
    seed: int
    id: int

    @property
    def key(self) -> tuple:
        """What identifies the trial."""
        return _key(self.point, self.seed)


class Ledger:
    """A study's trials, as far as this runner knows; `look` reads what others wrote since.

    Attributes
    ----------
    done : dict of tuple to Trial
        What is measured, by what identifies the trial.
    """

    def __init__(self, e: Experiment, storage: BaseStorage, study: str, known: Mapping[tuple, Trial]):
        self.e, self.storage = e, storage
        self.wanted = dict(zip(e.keys, e.trials, strict=True))
        self.done = {key: trial for key, trial in known.items() if key in self.wanted}
        self.missing = {key: trial for key, trial in self.wanted.items() if key not in self.done}
        optuna.create_study(storage=storage, study_name=study, load_if_exists=True)
        self.study = storage.get_study_id_from_name(study)
        self.running: dict[tuple, FrozenTrial] = {}
        self._read = 0  # trials of Optuna's that `look` has seen
        self._open: dict[int, tuple] = {}  # those of them that had not ended, by number
        self._me, self._beats = "", 0
        self.stored = False  # whether what is measured is kept elsewhere by now
        self._seen: dict[str, tuple[int, float]] = {}  # the others' beats, and when they were seen first
        self._stop = self._attributes().get(_STOP)
        self.look()

    # Trials

    def look(self) -> None:
        """Read what all runners have written."""
        trials = self._trials()
        self._open |= {t.number: _claimed(t) for t in trials[self._read :]}
        self._read = len(trials)
        self.running = {}
        for n, key in list(self._open.items()):  # in order: the first that runs counts
            if trials[n].state == TrialState.RUNNING:
                self.running.setdefault(key, trials[n])
            else:
                del self._open[n]
                if trials[n].state == TrialState.COMPLETE:
                    self._take(trials[n])

    def _trials(self) -> list[FrozenTrial]:
        """Return what Optuna holds, by number, from 0."""
        with self._readable():
            return self.storage.get_all_trials(self.study, deepcopy=False)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Say of whom it is where Optuna cannot read what it finds."""
        try:
            yield
        except (LookupError, ValueError) as problem:
            raise FileError(f"{self.e.name}: what its storage holds is damaged ({problem})") from problem

    def _take(self, t: FrozenTrial) -> None:
        """Note what a trial of Optuna's says was measured."""
        try:
            trial = Trial.parse(_said(t, RESULT), f"{self.e.name}, trial {t.number},")
        except FileError as error:
            logging.getLogger(__name__).warning("%s; it is measured again", error)
        else:
            self._note(trial)

    def _note(self, trial: Trial) -> None:
        if trial.key in self.missing:
            del self.missing[trial.key]
            self.done[trial.key] = trial

    @property
    def count(self) -> int:
        """How many trials are measured."""
        return len(self.done)

    @property
    def complete(self) -> bool:
        """Whether every trial is measured."""
        return not self.missing

    def claim(self, most: int) -> list[Claim]:
        """Take up the first trials that are neither measured nor taken; none if there are none."""
        while free := list(islice((key for key in self.missing if key not in self.running), most)):
            mine = {}
            for key in free:
                point, seed = self.wanted[key]
                taken = create_trial(
                    state=TrialState.RUNNING, **self._facts(point, seed, {_RUNNER: self._me})
                )
                mine[key] = Claim(point, seed, self.storage.create_new_trial(self.study, taken))
            self.look()
            runs = {key: t._trial_id for key, t in self.running.items() if key in self.missing}
            for key in [key for key in mine if runs.get(key) != mine[key].id]:
                self.give_up(mine.pop(key), "somebody else was first")
            if mine:
                return list(mine.values())
        return []

    def finish(self, claim: Claim, trial: Trial, machine: Mapping[str, Any]) -> bool:
        """Note what was measured, on the disk when this returns; False if the claim was no longer valid."""
        try:
            self.storage.set_trial_user_attr(claim.id, RESULT, trial.as_json() | {"machine": dict(machine)})
            self._complete(claim.id, trial)
        except UpdateFinishedTrialError:  # taken for dead, and measured by another
            return False
        self._note(trial)
        return True

    def add(self, trial: Trial) -> None:
        """Note a trial that was measured elsewhere."""
        facts = self._facts(trial.point, trial.seed, {RESULT: trial.as_json()})
        done = create_trial(state=TrialState.COMPLETE, value=self._number(trial), **facts)
        self.storage.create_new_trial(self.study, done)

    def _facts(self, point: Mapping[str, Any], seed: int, more: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Optuna is told of a trial: also what was drawn, and from what."""
        axes = self.e.search.axes if self.e.search else {}
        return {
            "params": {name: point[name] for name in axes},
            "distributions": {name: _distribution(axis) for name, axis in axes.items()},
            "user_attrs": {"point": dict(point), "seed": seed, **more},
        }

    def give_up(self, claim: Claim, why: str) -> None:
        """Let a trial be free again."""
        self._fail(claim.id, why)

    def _complete(self, id: int, trial: Trial) -> None:
        self.storage.set_trial_state_values(id, TrialState.COMPLETE, [self._number(trial)])

    def _number(self, trial: Trial) -> float:
        """Return the one number that Optuna wants, and no nan: the first for which agreement is stated."""
        name = next(iter([*self.e.agree, *trial.values]), "")
        value = trial.values.get(name, math.nan)
        return math.inf if math.isnan(value) else value

    def _fail(self, id: int, why: str) -> None:
        with suppress(UpdateFinishedTrialError):
            self.storage.set_trial_user_attr(id, "why", why)
            self.storage.set_trial_state_values(id, TrialState.FAIL)

    # Runners

    def _attributes(self) -> dict[str, Any]:
        with self._readable():
            return self.storage.get_study_user_attrs(self.study)

    @contextmanager
    def runner(self) -> Iterator[None]:
        """Be a runner of this study while the block runs: only then trials can be taken up."""
        self._me = secrets.token_hex(8)
        with ExitStack() as after, ExitStack() as held:
            with suppress(OSError):  # in a folder that is read-only: then the beat alone tells
                held.enter_context(files.alone(_lock(self._me)))
            self.beat()
            try:
                yield
            finally:
                self.storage.set_study_user_attr(self.study, f"{_RUNNER} {self._me}", None)
                after.callback(_unlock, self._me)  # where it is said to be there, a free lock says it is not

    def beat(self) -> None:
        """Say that this runner is there, and free the trials of those that are not; due every `BEAT`."""
        self._beats += 1
        says = {"host": platform.node(), "process": os.getpid(), "beat": self._beats, "at": time.time()}
        self.storage.set_study_user_attr(self.study, f"{_RUNNER} {self._me}", says)
        self.free()

    def free(self) -> None:
        """Free the trials of runners that are no longer there."""
        self.look()
        others = self._others()
        gone = {id: says for id, says in others.items() if self._ended(id, says)}
        there = {*others, self._me} - gone.keys()
        trials = self._trials()
        for t in [trials[n] for n in self._open]:
            if str(_said(t, _RUNNER)) not in there:
                self._end(t)
        for id in gone:
            self.storage.set_study_user_attr(self.study, f"{_RUNNER} {id}", None)
            _unlock(id)
        self.look()

    def _end(self, t: FrozenTrial) -> None:
        """End a trial whose runner has ended: well, if its result was noted already."""
        try:
            trial = Trial.parse(_said(t, RESULT), "")
        except FileError:
            self._fail(t._trial_id, "its runner ended")
        else:
            with suppress(UpdateFinishedTrialError):
                self._complete(t._trial_id, trial)

    def _ended(self, id: str, says: Mapping[str, Any]) -> bool:
        """Whether a runner has ended, by what it said last."""
        if says["host"] == platform.node() and (held := files.held(_lock(id))) is not None:
            return not held
        beat, since = self._seen.setdefault(id, (says["beat"], time.monotonic()))
        if beat != says["beat"]:
            self._seen[id] = says["beat"], time.monotonic()
            return False
        return time.monotonic() - since > LEASE

    def runners(self) -> list[Mapping[str, Any]]:
        """Return what the others that are there say of themselves."""
        return [says for id, says in self._others().items() if not self._ended(id, says)]

    def _others(self) -> dict[str, Mapping[str, Any]]:
        """Return what other runners said last, by their names; of those that have left, nothing."""
        said = {name.partition(" ")[::2]: says for name, says in self._attributes().items()}
        others = {id: says for (kind, id), says in said.items() if kind == _RUNNER and id != self._me}
        return {id: says for id, says in others.items() if re.fullmatch("[0-9a-f]{16}", id) and _beats(says)}

    def ask_to_stop(self) -> None:
        """Ask all runners that are there now to begin no further trial."""
        self.storage.set_study_user_attr(self.study, _STOP, secrets.token_hex(8))

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody has asked since this runner began."""
        return self._attributes().get(_STOP) != self._stop

    def finished_at(self) -> list[datetime]:
        """Return when the trials were finished that this storage has, in order."""
        done = (t for t in self._trials() if t.state == TrialState.COMPLETE)
        return sorted(t.datetime_complete for t in done if t.datetime_complete)

    def seconds(self) -> list[float]:
        """Return how long the trials took that were measured for this storage."""
        found = []
        for t in self._trials():
            with suppress(TypeError, LookupError, ValueError):
                found.append(number("seconds", t.user_attrs[RESULT]["machine"]["seconds"], 0, 1e9))
        return found


def _claimed(t: FrozenTrial) -> tuple:
    """Return which trial of ours one of Optuna's is; an empty key if it makes no sense."""
    try:
        key = _key(_said(t, "point"), _said(t, "seed"))
        hash(key)
    except (AttributeError, TypeError):
        return ()
    return key


def _said(t: FrozenTrial, name: str) -> Any:
    """Return what a trial of Optuna's says, or nothing."""
    return t.user_attrs.get(name) if isinstance(t.user_attrs, dict) else None


def _beats(says: Any) -> bool:
    """Whether this is what a runner says of itself."""
    kinds = {"host": str, "process": int, "beat": int, "at": float}
    fits = isinstance(says, dict) and all(type(says.get(k)) is kind for k, kind in kinds.items())
    return fits and says["host"].isprintable() and math.isfinite(says["at"])


def _lock(runner: str) -> Path:
    """Return the lock that a runner on this machine holds."""
    return cache_folder() / "runners" / f"{runner}.lock"


def _unlock(runner: str) -> None:
    """Remove the lock of a runner that has ended."""
    with suppress(OSError):
        _lock(runner).unlink()


def _distribution(axis: Range | Choice) -> BaseDistribution:
    """Return what Optuna calls this."""
    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.values)
    return (IntDistribution if axis.whole else FloatDistribution)(axis.low, axis.high, log=axis.log)
