"""What the course trains on: seeded tasks of one protocol, each with its chance level and its floor.

`names` lists them, `get` makes one by name, and each is a frozen dataclass that can be made directly.
`Task.stream` gives endless batches in splits that never overlap (but for `SpikeDelays`, which has too few
different sequences); see `Batch` for what they hold.

>>> from lstmcourse import tasks
>>> tasks.names()[:4]
('adding', 'addition', 'agreement', 'chorales')
>>> task = tasks.get("copy", delay=200)
>>> batch = next(task.stream("train", batch_size=32))
>>> batch.x.shape, round(task.chance, 4)
((220, 32), 0.0945)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..errors import UnknownNameError, nearest
from .adding import Adding
from .addition import Addition
from .agreement import Agreement
from .base import Batch, Task, split_of
from .cartpole import CartPole
from .chorales import Chorales
from .chords import Chords
from .clouds import Clouds
from .copying import Copy
from .counting import Counting
from .dates import Dates, MissingPackageError
from .film import Film
from .handwriting import Handwriting
from .library import Library
from .metrics import bleu, error_rate
from .pairs import Pairs, Transduction
from .parity import Parity
from .percolation import Percolation
from .pronunciation import Pronunciation
from .reber import EmbeddedReber, Reber
from .scenes import Scenes
from .speakers import Speakers
from .spikes import SpikeDelays
from .temporal_order import TemporalOrder
from .text import MissingSourceError, Text
from .tones import Tones
from .translation import Translation
from .waveform import Waveform

__all__ = [
    "Adding",
    "Addition",
    "Agreement",
    "Batch",
    "CartPole",
    "Chorales",
    "Chords",
    "Clouds",
    "Copy",
    "Counting",
    "Dates",
    "EmbeddedReber",
    "Film",
    "Handwriting",
    "Library",
    "MissingPackageError",
    "MissingSourceError",
    "Pairs",
    "Parity",
    "Percolation",
    "Pronunciation",
    "Reber",
    "Scenes",
    "Speakers",
    "SpikeDelays",
    "Task",
    "TemporalOrder",
    "Text",
    "Tones",
    "Transduction",
    "Translation",
    "Waveform",
    "bleu",
    "error_rate",
    "from_config",
    "get",
    "names",
    "split_of",
]

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        Adding,
        Addition,
        Agreement,
        Chorales,
        Chords,
        Clouds,
        Copy,
        Counting,
        Dates,
        EmbeddedReber,
        Film,
        Handwriting,
        Library,
        Parity,
        Percolation,
        Pronunciation,
        Reber,
        Scenes,
        Speakers,
        SpikeDelays,
        TemporalOrder,
        Text,
        Tones,
        Translation,
        Waveform,
    )
}


def names() -> tuple[str, ...]:
    """Names of all tasks, sorted.

    Examples
    --------
    >>> "reber" in names()
    True
    """
    return tuple(sorted(TASKS))


def get(name: str, **options) -> Task:
    """Make a task by its name.

    Parameters
    ----------
    name : str
        One of `names`.
    **options
        The fields of the task's class.

    Returns
    -------
    Task

    Raises
    ------
    UnknownNameError
        For a task or an option that does not exist, with the nearest one that does.

    Examples
    --------
    >>> get("adding", steps=50)
    Adding(steps=50, variant='1997')
    >>> get("addnig")
    Traceback (most recent call last):
        ...
    lstmcourse.errors.UnknownNameError: name='addnig': no task is named 'addnig': did you mean 'adding'? ...
    """
    if not isinstance(name, str) or name not in TASKS:
        raise UnknownNameError(f"name={name!r}: no task is named {name!r}: {nearest(name, names())}")
    task = TASKS[name]
    fields = [f.name for f in dataclasses.fields(task)]
    for option in options:
        if option not in fields:
            raise UnknownNameError(f"task {name!r} has no option {option!r}: {nearest(option, fields)}")
    return task(**options)


def from_config(config: Mapping[str, object], *, trusted: bool = True) -> Task:
    """Make the task that gave this `Task.config`, also after a passage through JSON.

    Parameters
    ----------
    config : mapping
        Its ``"name"``, and its options.
    trusted : bool
        False for a config from somebody else's file: it may then name no files, no modules but those of the
        standard library, and nothing that is out of proportion.

    Raises
    ------
    ValueError, TypeError
        It is no config, an option does not fit, or a config that is not trusted names what it must not.

    Examples
    --------
    >>> import json
    >>> task = Clouds(gap=(5, 20))
    >>> from_config(json.loads(json.dumps(task.config()))) == task
    True
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("name"), str):
        raise ValueError(f"{config!r} is no task's config: it needs a 'name', one of {', '.join(names())}")
    if not trusted and config["name"] in TASKS:
        TASKS[config["name"]].check_stranger(config)
    return get(**config)
