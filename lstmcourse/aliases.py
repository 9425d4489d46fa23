"""Public modules under short names: ``import lstmcourse.optim`` gives `lstmcourse.training.optim` itself."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any

# A short name that is public, and the room where the module lives. What a name says stays when rooms change.
MODULES = {
    "attentive": "course.attentive",
    "baselines": "tasks.ngrams",
    "checkpoints": "training.checkpoints",
    "claims": "course.claims",
    "coder": "course.coder",
    "exercises": "exercises",
    "experiments": "experiments",
    "generative": "course.generative",
    "inspection": "training.inspection",
    "interop": "interop",
    "optim": "training.optim",
    "plots": "course.plots",
    "reader": "course.reader",
    "tasks": "tasks",
    "train": "training.fit",
    "uses": "course.uses",
    "widgets": "widgets",
}
NAMES = {
    "Architecture": "architecture",
    "Captioner": "training.captioner",
    "Latent": "training.latent",
    "Model": "training.model",
    "Seq2Seq": "training.seq2seq",
    "evolve": "training.evolution",
    "fit": "training.fit",
    "claim": "course.claims",
    "check": "exercises.define",
    "check_installation": "course.selfcheck",
    "design": "experiments.design",
    "diff": "views.difference",
    "dilemma": "laboratory.dilemma",
    "lab": "laboratory.lab",
    "ledger": "course.ledger",
    "progress": "exercises.progress",
    "xray": "training.xray",
}
_PACKAGE = __name__.rpartition(".")[0]


def module(name: str) -> ModuleType:
    """The module that has this public name, loaded when first asked for."""
    return importlib.import_module(f"{_PACKAGE}.{MODULES[name]}")


def is_public(kind: type) -> bool:
    """Whether a class can be had from the package by its own name."""
    return f"{_PACKAGE}.{NAMES.get(kind.__name__)}" == kind.__module__


def unpickled(name: str, state: dict) -> Any:
    """An object of a public class, as it was. Pickles name this function, not the class, so that modules may
    move; so it stays here.
    """
    kind = getattr(importlib.import_module(_PACKAGE), name)
    made = object.__new__(kind)
    made.__dict__.update(state)
    return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets ``import lstmcourse.NAME`` find a module that lies elsewhere; not a copy of it."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.rpartition(".")
        if package == _PACKAGE and MODULES.get(name, name) != name:
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module_):
        name = module_.__name__
        sys.modules[name] = module(name.rpartition(".")[2])


sys.meta_path.append(_Finder())
