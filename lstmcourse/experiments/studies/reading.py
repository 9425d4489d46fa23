"""What the gates do in a trained reader: over several seeds, beside untrained ones, and put to the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ... import cells
from ...course import reader
from ...training import inspection
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["controls_while_reading", "gates_while_reading", "gru_while_reading"]

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


# Fixed before the runs: the recipe and the language of lstmcourse.reader, a GRU with no more parameters than
# its LSTM, five seeds, and the same networks before training.
AHEAD = 12  # words over which a disturbance is followed
ONE_WORD = ("the", "subject", "verb", "mood", "and", "pronoun", "deed", "stop")


@experiment(
    points=grid(trained=(True, False)),
    seeds=range(5),
    agree={"verb": _SHARE, "gender": _SHARE, "by_update": Interval(0.3)},
    uses=(reader, inspection),
)
def gru_while_reading(trained: bool, *, seed: int) -> dict[str, float]:
    """Train a GRU to read, hold its gates, and ask whether they tell how long a unit remembers.

    Parameters
    ----------
    trained : bool
        Whether the reader was trained; if not, it is the same network before its training.
    seed : int
        Of the parameters and the training; the rows that it is tested on are always the same.

    Returns
    -------
    dict
        ``verb``, ``number``, ``gender``: shares of right answers, and with both gates or one of them held:
        ``open_*``, r = 1; ``mean_r_*`` and ``mean_z_*``, each unit's r, or z, at its mean over all words.
        ``at_*``: the least of the three shares when r = 1 at one kind of word alone. ``by_update``: the rank
        correlation, over units, of the memory `spans` with the mean of z; ``by_reset``: with the share of
        words at which r < 0.5. ``span``, the median unit's; ``span_least`` and ``span_most``; ``hidden``, the
        units.
    """
    model = gru_reader(seed, reader.STEPS if trained else (0, 0))
    batch = reader.rows(ROWS // 2, seed=1)
    run = model.unroll(batch.x)
    z, r = (run[gate].reshape(-1, model.hidden_size) for gate in "zr")
    opened = model.with_cell(model.cell.override(r=1.0))
    found = {"hidden": float(model.hidden_size)}
    for name, other in (
        ("", model),
        ("open_", opened),
        ("mean_r_", held_at_mean(model, "r", r)),
        ("mean_z_", held_at_mean(model, "z", z)),
    ):
        said = reader.answers(other.predict(batch.x), batch)
        found |= {f"{name}{key}": value for key, value in said.items()}
    for kind in ONE_WORD:
        said = inspection.patch(model, opened, batch.x, reader.steps(batch, kind))
        found[f"at_{kind}"] = min(reader.answers(said, batch).values())
    span = spans(model, batch.x)
    return found | {
        "by_update": rank_correlation(span, z.mean(axis=0)),
        "by_reset": rank_correlation(span, (r < 0.5).mean(axis=0)),
        "span": float(np.median(span)),
        "span_least": float(span.min()),
        "span_most": float(span.max()),
    }


def gru_reader(seed: int, steps: tuple[int, int] = reader.STEPS) -> Model:
    """A GRU that has learnt the language of `lstmcourse.reader`, with no more parameters than the LSTM."""
    task = reader.language()
    most = Model("lstm", task, hidden_size=reader.HIDDEN).parameter_count
    return reader.train(seed, "gru", steps=steps, hidden_size=hidden_size_for("gru", task, most))


def held_at_mean(model: Model, gate: str, values: np.ndarray) -> Model:
    """The model with a gate of each unit held at its mean over values (N, H)."""
    for unit, mean in enumerate(values.mean(axis=0, dtype=np.float64)):
        model = inspection.pin(model, gate, float(mean), [unit])
    return model


def spans(model: Model, x: np.ndarray) -> np.ndarray:
    """How long each unit of a GRU remembers, in words, (H,): measured by disturbing it, not by its gates.

    After each word of the second sentence the unit's state in one row is exchanged for its state in another
    one. How far it then is from where it would be, as a share of that at first, is summed over the next 12
    words: 0 for a unit that forgets at once, 12 for one that keeps all.
    """
    h = model.unroll(x)["h"]
    T, B, H = h.shape
    exchanged, there = np.roll(h, 1, axis=1), np.arange(H)
    left = np.zeros((AHEAD, H))
    first = np.zeros(H)
    for t in range(SENTENCE, 2 * SENTENCE):
        start = np.repeat(h[t][None], H, axis=0)  # (H, B, H): the k-th has its unit k disturbed
        start[there, :, there] = exchanged[t].T
        ahead = x[t + 1 : t + 1 + AHEAD]
        run = model.unroll(np.tile(ahead, (1, H)), state={"h": start.reshape(H * B, H)})["h"]
        moved = run.reshape(AHEAD, H, B, H)[:, there, :, there] - h[t + 1 : t + 1 + AHEAD].transpose(2, 0, 1)
        left += np.abs(moved).mean(axis=2).T
        first += np.abs(exchanged[t] - h[t]).mean(axis=0)
    return (left / first).sum(axis=0)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's; equals are ranked in the order in which they stand."""
    ranks = [np.argsort(np.argsort(v, kind="stable")) for v in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


# Fixed before the runs: the ten readers of `gates_while_reading`, all of their units beside those that carry
# something, and every place of the second sentence beside the one that the lessons ask about.
SWEPT = {"f3": ("f", 1.0, 3), "f1": ("f", 1.0, 1), "i1": ("i", 0.0, 1), "o3": ("o", 0.0, 3)}
"""Which gates are held, at what, and for how many words in a row."""
VERB_ASKED, PRONOUN_ASKED = SENTENCE + GAP + 1, SENTENCE + 2 * GAP + 4  # the steps in the second sentence
FIRST = SENTENCE - 5  # where the sweep begins: five words before the second sentence


@experiment(
    points=grid(cell=("lstm",)),
    seeds=range(10),
    agree={"flipped": Interval(0.15), "others_forget": _SHARE, "i1_15_gender": _SHARE},
    uses=(reader, inspection),
)
def controls_while_reading(cell: str, *, seed: int) -> dict[str, float]:
    """Measure in a trained reader what other units do, and what the same intervention does at other words.

    Returns
    -------
    dict
        What holds of the unit that carries something, under ``carrier_*``, 0 or 1; and the share of all other
        units of which it holds too, ``others_*``. Of gender: ``forget``, less than a quarter of the state is
        kept over the full stop, "the" and the subject; ``early``, the gate stands below 0.1 at one of the
        first two; ``both``, it forgets, and keeps more than a half over three words of a sentence. Of gender
        and of number: ``admit_*``, the input gate is more open by 0.05 at subjects than at distractors;
        ``show_*``, the output gate just before the answer than at other words.

        ``flipped``: how many of the second sentence's singular pronouns turn when gender's unit is given the
        mean state of the other gender before them; ``sham``, of its own gender; ``flipped_most``, with the
        unit of all others for which most turn, and ``others_flipped``, the share of others for which more
        than 0.8 do. ``silenced``, ``silenced_median``, ``others_needed``: gender right without gender's unit
        or another; the share of others without which less than 0.8 are.

        ``f3_13_verb`` and so on: share right in the second sentence when all forget gates are held open over
        three words from step 13 on; see `SWEPT`.
    """
    model = reader.train(seed, cell)
    batch = reader.rows(ROWS, seed=1)
    found = {}
    for what in ("gender", "number"):
        unit, _ = reader.carrier(model, what, reader.rows(ROWS))
        others = np.arange(model.hidden_size) != unit
        for name, holds in _of_each_unit(model, batch, what).items():
            found |= {f"carrier_{name}": float(holds[unit]), f"others_{name}": float(holds[others].mean())}
        if what == "gender":
            found |= _other_units(model, batch, unit)
    return found | _other_words(model, batch)


def _of_each_unit(model: Model, batch, what: str) -> dict[str, np.ndarray]:
    """What holds of each unit, (H,) bool, by name."""
    each = [_watched(model, batch, what, unit) for unit in range(model.hidden_size)]
    seen = {key: np.array([watched[key] for watched in each]) for key in each[0]}
    holds = {
        f"admit_{what}": seen["admit_subject"] - seen["admit_attractor"] > 0.05,
        f"show_{what}": seen["show_before"] - seen["show_within"] > 0.05,
    }
    if what == "number":
        return holds
    forget = seen["kept_across"] < 0.25
    early = np.minimum(seen["forget_stop"], seen["forget_the"]) < 0.1
    return holds | {"forget": forget, "early": early, "both": forget & (seen["kept_within"] > 0.5)}


def _other_units(model: Model, batch, carrier: int) -> dict[str, float]:
    """Exchange and silence each unit in turn, and set gender's own to the mean of its own gender."""
    asked = replace(batch, mask=batch.mask & (np.arange(len(batch.x)) == PRONOUN_ASKED)[:, None])
    notes = reader.language().annotate(batch.x)
    feminine, one = notes["gender"][PRONOUN_ASKED] == 1, notes["number"][PRONOUN_ASKED] == -1

    def to_own_mean(state):
        c = state["c"][:, carrier]
        state["c"][:, carrier] = np.where(feminine, c[feminine & one].mean(), c[~feminine & one].mean())
        return state

    def wrong(said) -> float:
        return 1 - reader.answers(said, asked)["gender"]

    units = range(model.hidden_size)
    turned = np.array([wrong(reader.flip(model, batch, u, PRONOUN_ASKED - 1)) for u in units])
    quiet = (inspection.silence(model, u).predict(batch.x) for u in units)
    right = np.array([reader.answers(said, batch)["gender"] for said in quiet])
    others = np.arange(model.hidden_size) != carrier
    return {
        "flipped": float(turned[carrier]),
        "sham": wrong(inspection.rewrite(model, batch.x, PRONOUN_ASKED - 1, to_own_mean)),
        "flipped_most": float(turned[others].max()),
        "others_flipped": float((turned[others] > 0.8).mean()),
        "silenced": float(right[carrier]),
        "silenced_median": float(np.median(right[others])),
        "others_needed": float((right[others] < 0.8).mean()),
    }


def _other_words(model: Model, batch) -> dict[str, float]:
    """Hold gates at each place of the second sentence, and see what is still right there."""
    at = np.arange(len(batch.x))
    second = replace(batch, mask=batch.mask & ((at >= SENTENCE) & (at < 2 * SENTENCE))[:, None])
    found = {}
    for name, (gate, value, words) in SWEPT.items():
        held = model.with_cell(model.cell.override(**{gate: value}))
        for start in range(FIRST, PRONOUN_ASKED + 2 - words):
            there = (at >= start) & (at < start + words)
            said = reader.answers(inspection.patch(model, held, batch.x, there), second)
            found |= {f"{name}_{start}_{key}": said[key] for key in ("verb", "gender")}
    return found
