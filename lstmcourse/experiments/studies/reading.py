"""What the gates do in a trained reader: over several seeds, beside untrained ones, and put to the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ... import cells
from ...course import reader
from ...training import inspection
from ..define import Interval, experiment, grid

__all__ = ["gates_while_reading"]

ROWS = 512
GAP = 3
SENTENCE = 2 * GAP + 8

# Fixed before the runs: ten seeds, the recipe of lstmcourse.reader, and the same networks before training.
_SHARE = Interval(0.15)


@experiment(
    points=grid(trained=(True, False)),
    seeds=range(10),
    agree={"verb": _SHARE, "gender": _SHARE, "gender_told": _SHARE},
    uses=(reader, inspection),
)
def gates_while_reading(trained: bool, *, seed: int) -> dict[str, float]:
    """Find the units that carry gender and number in a reader, watch their gates, and intervene.

    Parameters
    ----------
    trained : bool
        Whether the reader was trained; if not, it is the same network before its training.
    seed : int
        Of the parameters and the training; the rows it is tested on are always the same.

    Returns
    -------
    dict
        ``verb``, ``number``, ``gender``: shares of right answers. What `_watched` says of the unit that
        carries gender, under ``gender_*``, and of number's, ``number_*``. What `_after_interventions` says.
    """
    model = reader.train(seed, steps=reader.STEPS if trained else (0, 0))
    batch = reader.rows(ROWS, seed=1)
    found = dict(reader.answers(model.predict(batch.x), batch))
    units = {}
    for what in ("gender", "number"):
        units[what], found[f"{what}_told"] = reader.carrier(model, what, reader.rows(ROWS))
        watched = _watched(model, batch, what, units[what])
        found |= {f"{what}_{key}": value for key, value in watched.items()}
    return found | _after_interventions(model, batch, units, seed)


def _watched(model, batch, what: str, unit: int) -> dict[str, float]:
    """Watch the gates of one unit, from the second sentence on.

    ``kept_within``: how much of its cell state is kept over the three words after the subject (the product of
    the forget gate, mean over rows); ``kept_across``: over the full stop, "the", and the next subject. Then
    the mean of a gate where some kind of word is read: ``forget_stop``, ``forget_the``, ``forget_subject``,
    ``forget_attractor`` (a noun that is no subject), ``forget_within`` (between the subject and the word
    before the answer); ``admit_subject``, ``admit_attractor``; ``show_before`` (the word before the answer)
    and ``show_within``.
    """
    run = model.unroll(batch.x)
    f, i, o = (run[name][..., unit] for name in "fio")
    at = {kind: reader.steps(batch, kind, first=1) for kind in ("stop", "the", "subject")}
    subjects = np.flatnonzero(at["subject"])
    last = subjects + (GAP if what == "number" else 2 * GAP + 3)  # the word before the answer
    within = np.concatenate([np.arange(s + 1, end) for s, end in zip(subjects, last, strict=True)])
    attractor = reader.language().annotate(batch.x)["is_attractor"]
    found = {
        "kept_within": np.prod([f[subjects + k] for k in (1, 2, 3)], axis=0),
        "kept_across": np.prod([f[subjects + k] for k in (-2, -1, 0)], axis=0),
        **{f"forget_{kind}": f[where] for kind, where in at.items()},
        "forget_attractor": f[attractor],
        "forget_within": f[within],
        "admit_subject": i[at["subject"]],
        "admit_attractor": i[attractor],
        "show_before": o[last],
        "show_within": o[within],
    }
    return {key: float(values.mean()) for key, values in found.items()}


def _after_interventions(model, batch, units: dict[str, int], seed: int) -> dict[str, float]:
    """Intervene, and see which answers are still right.

    In the second and third sentence, with ``*_verb``, ``*_number``, ``*_gender``: ``open``, all forget gates
    open at the full stop, "the" and the subject; ``open_subject``, at the subject alone; ``closed``, all
    input gates shut at the subject; ``hidden``, all output gates shut from the subject to the last word but
    one before the verb. ``flipped``: how many of the second sentence's singular pronouns turn wrong when
    gender's unit is given the other gender's state before them. ``without_gender``, ``without_number``:
    gender, verb right when that unit is silenced; ``without_another``: gender right when a unit drawn at
    random is (mean of five).
    """
    subject = reader.steps(batch, "subject", first=1)
    boundary = reader.steps(batch, "stop", "the", "subject") & (np.arange(len(batch.x)) >= SENTENCE - 1)
    gap = reader.steps(batch, "gap", first=1)
    later = replace(batch, mask=batch.mask & (np.arange(len(batch.x)) >= SENTENCE)[:, None])
    found = {}
    for name, held, where in (
        ("open", {"f": 1.0}, boundary),
        ("open_subject", {"f": 1.0}, subject),
        ("closed", {"i": 0.0}, subject),
        ("hidden", {"o": 0.0}, subject | gap & np.roll(gap, -1)),
    ):
        other = model.with_cell(cells.lstm.override(**held))
        said = reader.answers(inspection.patch(model, other, batch.x, where), later)
        found |= {f"{name}_{key}": value for key, value in said.items()}
    before = SENTENCE + 2 * GAP + 4  # the word before the second sentence's pronoun
    asked = replace(batch, mask=batch.mask & (np.arange(len(batch.x)) == before)[:, None])
    flipped = reader.flip(model, batch, units["gender"], before - 1)
    found["flipped"] = 1 - reader.answers(flipped, asked)["gender"]

    def without(unit: int, key: str) -> float:
        return reader.answers(inspection.silence(model, unit).predict(batch.x), batch)[key]

    others = np.setdiff1d(np.arange(model.hidden_size), list(units.values()))
    drawn = np.random.default_rng(seed).choice(others, 5, replace=False)
    return found | {
        "without_gender": without(units["gender"], "gender"),
        "without_number": without(units["number"], "verb"),
        "without_another": float(np.mean([without(int(k), "gender") for k in drawn])),
    }
