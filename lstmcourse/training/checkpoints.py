"""Checkpoints: a model, and what it takes to train on, in one safetensors file.

What a reader can do here: `save` a model, `load` the file as a `Checkpoint`, put its parameters into a
model with `Checkpoint.restore`, or build the model anew with `Checkpoint.model`. ``lstmcourse.fit(...,
checkpoint=path)`` writes such files as it goes, and ``resume=True`` continues from one.

A file holds numbers and one JSON text, never code, so a file from anyone can be opened: nothing is imported
for it, no other file is read but sources of Python's standard library, and what it says of sizes is checked
before memory is taken. It is written by `lstmcourse.files.replace`: whatever happens, the old file or the new
one is there, whole. A file that is no checkpoint is not replaced, unless you say so.

A cell is known again by its name, its options and a digest of its equations (`training.equations`); an
optimiser or a schedule by the name of its class and its fields. A function has none, so a run with such a
schedule cannot be stored.

===================  ====================================================================================
in the file          what it is
===================  ====================================================================================
``params/<name>``    the model's parameters
``<group>/<name>``   other arrays, in named groups: ``fit`` writes the optimiser's state, the state
                     carried from batch to batch, the history, and the best parameters so far
metadata             under ``lstmcourse`` a JSON text: the format's version, the package's, the model's
                     configuration (cell, sizes, task), and facts: ``fit`` writes its recipe (seed, batch
                     size, ...) and a digest of what the task read from the disk
===================  ====================================================================================

In a group's name, ``/`` is written ``%2F`` and ``%`` is written ``%25``. Version 1 had neither this nor the
package's version, and another digest of equations; it is read as before.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import cells, checks, tasks
from ..aliases import NAMES
from ..cell import Cell
from ..errors import FileError, UnknownNameError, nearest
from ..files import tensors as tensorfiles
from ..files import whole as files
from ..files.paths import expand
from ..revision import __version__
from .equations import digest, forms, text_digest
from .given import as_cell
from .network import Network
from .protocol import trainable

__all__ = ["VERSION", "Checkpoint", "CheckpointError", "load", "save"]

VERSION = 2
_KEY = "lstmcourse"
_WRITTEN_BY = "Checkpoints are written by lstmcourse.checkpoints.save or fit(checkpoint=...)"
Arrays = Mapping[str, np.ndarray]


class CheckpointError(FileError):
    """A file is not a whole checkpoint, or not one for this model or run; the message says what it holds."""


@checks.given(model=trainable, overwrite=checks.truth)
def save(
    path: str | os.PathLike,
    model: Any,
    *,
    arrays: Mapping[str, Arrays] | None = None,
    facts: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a model, atomically, and return the path.

    Parameters
    ----------
    path : path
        Of the file, usually ``*.safetensors``; folders are made where they are missing.
    model : Model, or another that `fit` trains
        Its parameters and configuration are stored; of a cell, only its name and equations' digest.
    arrays : mapping of group to mapping of name to array, optional
        Other arrays to keep.
    facts : mapping, optional
        Other plain data to keep: what JSON can hold.
    overwrite : bool
        Replace a file also if it is no checkpoint.

    Raises
    ------
    CheckpointError
        There is a file that is no checkpoint of this package.
    ValueError, TypeError
        A group of arrays has the name of the model's, ``"params"``, or one that is no text; the facts are not
        what JSON can hold.
    OSError
        The file cannot be written, say because the disk is full; the error names it, and an old one is as it
        was.

    Examples
    --------
    >>> import tempfile, lstmcourse as lc
    >>> model = lc.Model(lc.cells.lstm, lc.tasks.get("adding"), hidden_size=8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(f"{folder}/adding.safetensors", model)
    ...     again = load(path).model()
    >>> bool((again.params["cell.W_f"] == model.params["cell.W_f"]).all())
    True
    """
    if not overwrite:
        _refuse_to_replace(path)
    try:
        json.dumps(dict(checks.mapping("facts", facts, "of plain data", optional=True)))
    except TypeError as error:
        raise TypeError(f"facts holds what JSON cannot: {error}") from None
    if lacks := _unfit(model.config, _KIND if "kind" in model.config else _CONFIG):
        raise TypeError(
            f"model.config={checks.shown(model.config)} lacks {', '.join(lacks)}, or holds something else "
            "there; lstmcourse.train.Trainable says what a model's config has"
        )
    groups = {"params": model.params}
    for group, members in checks.mapping("arrays", arrays, "of groups of arrays", optional=True).items():
        for name, a in checks.mapping(f"arrays[{group!r}]", members, "of arrays by name").items():
            checks.array(f"arrays[{group!r}][{name!r}]", a)
        if group == "params":
            raise ValueError(
                f"arrays={{{group!r}: ...}} does not fit: these are the model's own; name it otherwise"
            )
        groups[group.replace("%", "%25").replace("/", "%2F")] = members
    tensors = {f"{group}/{name}": a for group, members in groups.items() for name, a in members.items()}
    about = {"version": VERSION, "package": __version__, "model": model.config, "facts": dict(facts or {})}
    return tensorfiles.write(path, tensors, {_KEY: json.dumps(about, sort_keys=True)})


def load(path: str | os.PathLike) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        There is no such file, it is cut short or damaged, it is not a safetensors file, or not one of ours,
        or its version is newer than this package knows.
    """
    path = expand(path)
    tensors, metadata = tensorfiles.read(path, CheckpointError, _WRITTEN_BY, "use an earlier checkpoint")
    if _KEY not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but no checkpoint of this package: its metadata has no {_KEY!r}, "
            f"only {sorted(metadata) or 'nothing'}; weights from PyTorch come in by interop.load_torch"
        )
    about = _about(path, metadata[_KEY])
    groups: dict[str, dict[str, np.ndarray]] = {"params": {}}
    for key, a in tensors.items():
        group, _, name = key.partition("/")
        if about["version"] > 1:
            group = group.replace("%2F", "/").replace("%25", "%")
        groups.setdefault(group, {})[name] = a
    written = about["version"], about.get("package", "0.1")
    return Checkpoint(path, about["model"], groups.pop("params"), groups, about["facts"], written)


@dataclass(frozen=True, repr=False, eq=False)
class Checkpoint:
    """What a file holds.

    Attributes
    ----------
    path : Path
        Where it was read from.
    config : dict
        The model's configuration, as `Model.config` gives it.
    params : dict of str to ndarray
        The model's parameters.
    arrays : dict of group to dict of str to ndarray
        Other arrays.
    facts : dict
        Other plain data.
    written : (int, str)
        Version of the format, and of the package that wrote the file.
    """

    path: Path
    config: dict[str, Any]
    params: dict[str, np.ndarray]
    arrays: dict[str, dict[str, np.ndarray]]
    facts: dict[str, Any]
    written: tuple[int, str] = (VERSION, "")

    @checks.given(model=trainable)
    def equations(self, model: Any) -> Any:
        """Return the digest of the model's equations if the file's mean the same, else the file's own.

        Of a model with several cells it is the file's own: none of these has been written otherwise.
        """
        if "kind" in self.config or "kind" in model.config:
            return self.config["equations"]
        stored = text_digest if self.written[0] == 1 else digest
        known = (stored(cell, model.sizes) for cell in forms(model.cell))
        return model.config["equations"] if self.config["equations"] in known else self.config["equations"]

    @checks.given(model=trainable)
    def restore(self, model: Any) -> None:
        """Copy the parameters into a model of the same kind, cell and sizes.

        A cell with a gate held has other equations. To use parameters in it, restore the model that was
        trained, and ask that for `Model.with_cell`.

        Raises
        ------
        CheckpointError
            The model's cell, sizes, dtype or parameters are not the file's; each difference is named. The
            model is left as it was.
        """
        own = {k: v for k, v in model.config.items() if k not in ("equations", "task", "dropout", "training")}
        refuse_differences(self.path, own, {k: self.config.get(k) for k in own}, "this model")
        refuse_differences(self.path, layout(model.params), layout(self.params), "this model")
        if self.equations(model) != model.config["equations"]:
            raise CheckpointError(
                f"{self.path} is a checkpoint of another cell: its {self._trained} has other equations than "
                f"this model's {_cells_of(model.config)!r}. Restore it with the cell that was trained; "
                "model.with_cell(other) then uses the parameters in another, such as one with a gate held"
            )
        for name, p in model.params.items():
            p[...] = self.params[name]

    def model(self, *, cell: Any = None, task: Any = None) -> Any:
        """Build the model that the file describes, with its parameters.

        Parameters
        ----------
        cell : Cell, or dict of Cell, optional
            Needed for a cell that is not in ``lstmcourse.cells``, such as a stack. Of a model with several
            cells, those that are needed by the part that each plays, such as ``{"encoder": ...}``.
        task : Task, optional
            Needed for a task that ``lstmcourse.tasks`` does not know, and for one that reads files of yours:
            what is read from your disk, a file from somebody else must not say.

        Raises
        ------
        CheckpointError
            The cell is not the one that was trained, the task is not known or must be given, or the file's
            description of the model makes no sense.
        """
        if task is not None:
            checks.instance("task", task, tasks.Task, "lstmcourse.tasks.Adding()")
        config = self.config
        given = self._given(cell)
        try:
            kind = self._kind()
            trained = {part: given.get(part) or self._cell(**about) for part, about in self._parts().items()}
            task = tasks.from_config(config["task"], trusted=False) if task is None else task
            settings = (
                config["sizes"] | config["training"]
                if "kind" in config
                else {name: config[name] for name in ("hidden_size", "embedding", "dropout")}
            )
            shapes = kind.shapes_of(trained, task, **settings)
            wanted = {name: f"{config['dtype']} {shape}" for name, shape in shapes.items()}
            # Before memory is taken for it:
            refuse_differences(self.path, wanted, layout(self.params), "this model")
            model = kind.of(trained, task, dtype=config["dtype"], **settings)
            equations = self.equations(model)
        except CheckpointError:
            raise
        except Exception as error:  # from a stranger's file anything may come
            raise CheckpointError(f"{self.path} describes a model that cannot be made: {error}") from error
        if not given and model.config["equations"] != equations:
            raise CheckpointError(
                f"{self.path} was written with a cell {self._trained} whose equations are not those of "
                "the one that lstmcourse.cells has: pass the cell that was trained as cell="
            )
        self.restore(model)
        return model

    @property
    def _trained(self) -> str:
        """The cell's name, and where it may have come from that its equations are others."""
        written, now = self.written[1], __version__
        return (
            f"{_cells_of(self.config)!r}"
            f"{f' of lstmcourse {written} (this is {now})' if written != now else ''}"
        )

    def _kind(self) -> type[Network]:
        """Return the class of the model, one of this package's."""
        name = self.config.get("kind", "Model")
        if name in NAMES:
            kind = getattr(importlib.import_module(f"..{NAMES[name]}", __package__), name)
            if isinstance(kind, type) and issubclass(kind, Network):
                return kind
        raise CheckpointError(
            f"{self.path} holds a {name}, which lstmcourse does not have: make one, and give it to restore()"
        )

    def _parts(self) -> dict[str, dict[str, Any]]:
        """Return name and options of each cell, by the part that it plays."""
        config = self.config
        own = {"cell": {"cell": config.get("cell"), "options": config.get("options")}}
        return config["cells"] if "kind" in config else own

    def _given(self, cell: Any) -> dict[str, Any]:
        """Return the cells that were given, by the part that each is to play."""
        if cell is None:
            return {}
        if "kind" not in self.config:
            return {"cell": as_cell(cell)}
        given = checks.mapping("cell", cell, f"of cells by part: {', '.join(self._parts())}")
        for part, c in given.items():
            if part not in self._parts():
                raise UnknownNameError(f"cell has {part!r}, which is no part: {nearest(part, self._parts())}")
            checks.instance(f"cell[{part!r}]", c, Cell, "lstmcourse.cells.gru")
        return dict(given)

    def _cell(self, cell: str, options: Mapping[str, Any]) -> Any:
        """Return the cell of ``lstmcourse.cells`` with the file's name and options."""
        name = cell
        if name not in cells.names():
            raise CheckpointError(
                f"{self.path} was written with cell {name!r}, which lstmcourse.cells does not have: "
                "pass that cell as cell= (a file holds a cell's name, not its equations)"
            )
        cell = cells.get(name)
        for option, value in options.items():  # a cell made of cells has at least one array for each
            if cell.maker and isinstance(value, int) and value > len(self.params):
                raise CheckpointError(
                    f"{self.path} is damaged: {name!r} with {option}={value}, of {len(self.params)} arrays"
                )
        given = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
        return cell.with_options(**given) if given else cell

    def __repr__(self) -> str:
        extra = f"; also {', '.join(sorted(self.arrays))}" if self.arrays else ""
        return checks.encodable(
            f"Checkpoint({self.path.name}: {_cells_of(self.config)}, hidden size "
            f"{self.config.get('sizes', self.config).get('hidden_size')}, "
            f"task {self.config['task'].get('name')}{extra})"
        )


def _cells_of(config: Mapping[str, Any]) -> str:
    """The names of a model's cells."""
    return ", ".join(c["cell"] for c in config["cells"].values()) if "kind" in config else config["cell"]


def layout(arrays: Arrays) -> dict[str, str]:
    """Return dtype and shape of each array, to be compared."""
    return {name: f"{a.dtype} {a.shape}" for name, a in arrays.items()}


def check_writable(path: Any, overwrite: bool = False) -> None:
    """Refuse, before anything is computed, a path where no checkpoint can be written; folders are made.

    Raises
    ------
    TypeError
        It is no path.
    CheckpointError
        It is a folder, the system does not let a file be written there, or there is a file that is no
        checkpoint (unless it may be overwritten).
    """
    path = expand(path, "checkpoint")
    try:
        folder = path.is_dir()
        if not folder:
            files.check_replaceable(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"checkpoint={str(path)!r} cannot be written: {getattr(error, 'strerror', None) or error}; "
            "give another path"
        ) from error
    if folder:
        raise CheckpointError(
            f"checkpoint={str(path)!r} is a folder: give a file, such as {path / 'run.safetensors'}"
        )
    if not overwrite:
        _refuse_to_replace(path)


def _refuse_to_replace(path: str | os.PathLike) -> None:
    """Raise CheckpointError where there is a file that is no checkpoint."""
    what = "checkpoint of this package"
    tensorfiles.refuse_to_replace(path, lambda header: _KEY in header.metadata, what, CheckpointError)


def refuse_differences(path: Path, wanted: Mapping[str, Any], found: Mapping[str, Any], whose: str) -> None:
    """Raise CheckpointError naming every key whose value in the file is not the one that is wanted."""
    differences = [
        f"{key}: {found.get(key, 'absent')!r} in the file, {wanted.get(key, 'absent')!r} in {whose}"
        for key in {**wanted, **found}
        if wanted.get(key, "absent") != found.get(key, "absent")
    ]
    if differences:
        raise CheckpointError(f"{path} does not fit {whose}.\n  " + "\n  ".join(differences))


_ABOUT = {"version": int, "model": dict, "facts": dict}
_CONFIG = {  # of a Model
    "cell": str,
    "options": dict,
    "equations": str,
    "hidden_size": int,
    "embedding": int | None,
    "dropout": float | int,
    "dtype": str,
    "task": dict,
}
_KIND = {  # of another
    "kind": str,
    "cells": dict,
    "equations": dict,
    "sizes": dict,
    "training": dict,
    "dtype": str,
    "task": dict,
}
_PART = {"cell": str, "options": dict}


def _about(path: Path, text: Any) -> dict[str, Any]:
    """Return what the metadata say of a checkpoint, in this version's form."""
    about = files.parse_json(text, f"{path} is damaged: its metadata are", CheckpointError)
    version = about.get("version") if isinstance(about, dict) else None
    if type(version) is int and version > VERSION:
        raise CheckpointError(
            f"{path} has format version {version}; this package reads up to {VERSION}: "
            "install a newer lstmcourse"
        )
    _refuse_unfit(path, about, _ABOUT, "metadata")
    if about["version"] < 1 or not isinstance(about.get("package", ""), str):
        raise CheckpointError(f"{path} is damaged: no package wrote format version {version!r}")
    model = about["model"]
    _refuse_unfit(path, model, _KIND if "kind" in model else _CONFIG, "model")
    for part, cell in model["cells"].items() if "kind" in model else ():
        _refuse_unfit(path, cell, _PART, part)
    return about


def _refuse_unfit(path: Path, found: Any, fields: Mapping[str, Any], what: str) -> None:
    """Raise CheckpointError unless every field is there, and of its type."""
    if wrong := _unfit(found, fields):
        raise CheckpointError(
            f"{path} is damaged: its {what} must hold {', '.join(fields)}; "
            f"missing or unfit: {', '.join(wrong)}. Use an earlier checkpoint"
        )


def _unfit(found: Any, fields: Mapping[str, Any]) -> list[str]:
    """Return the fields that are missing, or of another type."""
    return [name for name, kind in fields.items() if not _holds(found, name, kind)]


def _holds(found: Any, name: str, kind: Any) -> bool:
    """Whether a field is there and of its type; True is no number."""
    return (
        isinstance(found, dict) and isinstance(found.get(name, ...), kind) and type(found[name]) is not bool
    )
