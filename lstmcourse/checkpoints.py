"""Checkpoints: a model, and what it takes to train on, in one safetensors file.

What a reader can do here: `save` a model, `load` the file as a `Checkpoint`, put its parameters into a
model with `Checkpoint.restore`, or build the model anew with `Checkpoint.model`. ``lstmcourse.fit(...,
checkpoint=path)`` writes such files as it goes, and ``resume=True`` continues from one.

A file holds numbers and one JSON text, never code, so a file from anyone can be opened. It is written under
another name first and then renamed: whatever happens, the old file or the new one is there, whole.

A cell is known again by its name, its options and a digest of its equations; an optimiser or a schedule by
the name of its class and its fields. A function has none, so a run with such a schedule cannot be stored.

===================  ====================================================================================
in the file          what it is
===================  ====================================================================================
``params/<name>``    the model's parameters
``<group>/<name>``   other arrays, in named groups: ``fit`` writes the optimiser's state, the state
                     carried from batch to batch, the history, and the best parameters so far
metadata             under ``lstmcourse`` a JSON text: the format's version, the model's configuration
                     (cell, sizes, task), and facts: ``fit`` writes its recipe (seed, batch size, ...)
===================  ====================================================================================
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import files, tensorfiles
from .errors import FileError
from .paths import expand

__all__ = ["VERSION", "Checkpoint", "CheckpointError", "load", "save"]

VERSION = 1
_KEY = "lstmcourse"
_WRITTEN_BY = "Checkpoints are written by lstmcourse.checkpoints.save or fit(checkpoint=...)"

Arrays = Mapping[str, np.ndarray]


class CheckpointError(FileError):
    """A file is not a whole checkpoint, or not one for this model or run; the message says what it holds."""


def save(
    path: str | os.PathLike,
    model: Any,
    *,
    arrays: Mapping[str, Arrays] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model, atomically, and return the path.

    Parameters
    ----------
    path : path
        Of the file, usually ``*.safetensors``; folders are made where they are missing.
    model : Model
        Its parameters and configuration are stored; of a cell, only its name and equations' digest.
    arrays : mapping of group to mapping of name to array, optional
        Other arrays to keep.
    facts : mapping, optional
        Other plain data to keep: what JSON can hold.

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
    groups = {"params": model.params, **(arrays or {})}
    tensors = {f"{group}/{name}": a for group, members in groups.items() for name, a in members.items()}
    about = {"version": VERSION, "model": model.config, "facts": dict(facts or {})}
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
        groups.setdefault(group, {})[name] = a
    return Checkpoint(path, about["model"], groups.pop("params"), groups, about["facts"])


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
    """

    path: Path
    config: dict[str, Any]
    params: dict[str, np.ndarray]
    arrays: dict[str, dict[str, np.ndarray]]
    facts: dict[str, Any]

    def restore(self, model: Any) -> None:
        """Copy the parameters into a model of the same cell and sizes.

        A cell with a gate held has other equations. To use parameters in it, restore the model that was
        trained, and ask that for `Model.with_cell`.

        Raises
        ------
        CheckpointError
            The model's cell, sizes, dtype or parameters are not the file's; each difference is named. The
            model is left as it was.
        """
        names = ("cell", "options", "hidden_size", "embedding", "dtype")
        own = {name: model.config[name] for name in names}
        refuse_differences(self.path, own, {name: self.config[name] for name in names}, "this model")
        refuse_differences(self.path, layout(model.params), layout(self.params), "this model")
        if self.config["equations"] != model.config["equations"]:
            raise CheckpointError(
                f"{self.path} is a checkpoint of another cell: its {self.config['cell']!r} has other "
                f"equations than this model's {model.cell!r}. Restore it with the cell that was trained; "
                "model.with_cell(other) then uses the parameters in another, such as one with a gate held"
            )
        for name, p in model.params.items():
            p[...] = self.params[name]

    def model(self, *, cell: Any = None, task: Any = None) -> Any:
        """Build the model that the file describes, with its parameters.

        Parameters
        ----------
        cell : Cell, optional
            Needed for a cell that is not in ``lstmcourse.cells``, such as a stack.
        task : Task, optional
            Needed for a task that ``lstmcourse.tasks`` does not know.

        Raises
        ------
        CheckpointError
            The cell is not the one that was trained, the task is not known, or the file's description of
            the model makes no sense.
        """
        from . import tasks
        from .model import Model

        config = self.config
        try:
            trained = _cell(self.path, config["cell"], config["options"]) if cell is None else cell
            task = tasks.from_config(config["task"]) if task is None else task
            sizes = {name: config[name] for name in ("hidden_size", "embedding", "dropout", "dtype")}
            model = Model(trained, task, **sizes)
        except CheckpointError:
            raise
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{self.path} describes a model that cannot be made: {error}") from error
        if cell is None and model.config["equations"] != config["equations"]:
            raise CheckpointError(
                f"{self.path} was written with a cell {config['cell']!r} whose equations are not those "
                "of the one that lstmcourse.cells has: pass the cell that was trained as cell="
            )
        self.restore(model)
        return model

    def __repr__(self) -> str:
        extra = f"; also {', '.join(sorted(self.arrays))}" if self.arrays else ""
        return (
            f"Checkpoint({self.path.name}: {self.config['cell']}, hidden size {self.config['hidden_size']}, "
            f"task {self.config['task'].get('name')}{extra})"
        )


# ----------------------------------------------------------------------------------------------------- parts


def plain(value: Any) -> Any:
    """Return what JSON would give back: dataclasses as dicts with their ``kind``, tuples as lists.

    Examples
    --------
    >>> from lstmcourse.optim import StepDecay
    >>> plain({"schedule": StepDecay(100), "sizes": (1, 2)})
    {'schedule': {'kind': 'StepDecay', 'every': 100, 'factor': 0.5}, 'sizes': [1, 2]}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def comparable(value: Any) -> bool:
    """Whether `plain` keeps all of a value, so that what it gives can stand for it.

    Plain data, arrays, and dataclasses of them are kept; of functions and other objects only a name is.

    Examples
    --------
    >>> from lstmcourse.optim import Cosine, Warmup
    >>> comparable(Warmup(10, then=Cosine(90))), comparable(Warmup(10, then=lambda step: 0.5))
    (True, False)
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return all(comparable(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init)
    if isinstance(value, Mapping):
        return all(comparable(v) for v in value.values())
    if isinstance(value, tuple | list):
        return all(map(comparable, value))
    return value is None or isinstance(value, bool | int | float | str | np.generic | np.ndarray)


def layout(arrays: Arrays) -> dict[str, str]:
    """Return dtype and shape of each array, to be compared."""
    return {name: f"{a.dtype} {a.shape}" for name, a in arrays.items()}


def check_writable(path: Any) -> None:
    """Refuse, before anything is computed, a path where no checkpoint can be written; folders are made.

    Raises
    ------
    TypeError
        It is no path.
    CheckpointError
        It is a folder, or the system does not let a file be written there.
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


def refuse_differences(path: Path, wanted: Mapping[str, Any], found: Mapping[str, Any], whose: str) -> None:
    """Raise CheckpointError naming every key whose value in the file is not the one that is wanted."""
    differences = [
        f"{key}: {found.get(key, 'absent')!r} in the file, {wanted.get(key, 'absent')!r} in {whose}"
        for key in {**wanted, **found}
        if wanted.get(key, "absent") != found.get(key, "absent")
    ]
    if differences:
        raise CheckpointError(f"{path} does not fit {whose}.\n  " + "\n  ".join(differences))


def _cell(path: Path, name: str, options: Mapping[str, Any]) -> Any:
    """Return the cell of ``lstmcourse.cells`` with this name and these options."""
    from . import cells

    if name not in cells.names():
        raise CheckpointError(
            f"{path} was written with cell {name!r}, which lstmcourse.cells does not have: pass that cell as "
            "cell= (a file holds a cell's name, not its equations)"
        )
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    cell = cells.get(name)
    return cell.with_options(**given) if given else cell


_ABOUT = {"version": int, "model": dict, "facts": dict}
_CONFIG = {
    "cell": str,
    "options": dict,
    "equations": str,
    "hidden_size": int,
    "embedding": int | None,
    "dropout": float | int,
    "dtype": str,
    "task": dict,
}


def _about(path: Path, text: Any) -> dict[str, Any]:
    """Return what the metadata say of a checkpoint, in this version's form."""
    try:
        about = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its metadata are not JSON ({error})") from error
    version = about.get("version") if isinstance(about, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise CheckpointError(
            f"{path} has format version {version}; this package reads up to {VERSION}: "
            "install a newer lstmcourse"
        )
    _refuse_unfit(path, about, _ABOUT, "metadata")
    _refuse_unfit(path, about["model"], _CONFIG, "model")
    return about


def _refuse_unfit(path: Path, found: Any, fields: Mapping[str, Any], what: str) -> None:
    """Raise CheckpointError unless every field is there, and of its type."""
    wrong = [name for name, kind in fields.items() if not _holds(found, name, kind)]
    if wrong:
        raise CheckpointError(
            f"{path} is damaged: its {what} must hold {', '.join(fields)}; "
            f"missing or unfit: {', '.join(wrong)}. Use an earlier checkpoint"
        )


def _holds(found: Any, name: str, kind: Any) -> bool:
    return isinstance(found, dict) and name in found and isinstance(found[name], kind)
