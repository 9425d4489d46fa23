"""Chords against harmony written down a second time and counted one by one; the cart against mechanics."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from lstmcourse.tasks import CartPole, Chords

# Harmony once more: by letters, and note by note.

SCALE = "CDEFGAB"
SEMITONES = dict(zip(SCALE, (0, 2, 4, 5, 7, 9, 11), strict=True))
TRIADS = {"I": "CEG", "ii": "DFA", "IV": "FAC", "V": "GBD", "vi": "ACE"}
GOES = {"I": "ii IV V vi", "ii": "IV V vi", "IV": "I ii V", "V": "I vi", "vi": "ii IV V"}
RANGES = [("F2", "C4"), ("C3", "G4"), ("G3", "C5"), ("C4", "G5")]


def height(note):
    return SEMITONES[note[0]] + 12 * (int(note[1:]) + 1)


NOTES = sorted((letter + str(octave) for letter in SCALE for octave in range(2, 6)), key=height)


def chord(notes):
    for name, triad in TRIADS.items():
        counts = Counter(n[0] for n in notes)
        if counts == Counter(triad + triad[0]) and notes[0][0] in triad[:2]:
            return name
    return None


def lawful(notes):
    low = all(height(a) <= height(n) <= height(b) for n, (a, b) in zip(notes, RANGES, strict=True))
    pitches = [height(n) for n in notes]
    apart = np.diff(pitches)
    return chord(notes) is not None and low and (apart > 0).all() and max(apart[1:]) <= 12


def goes_on(before, now):
    if chord(now) not in GOES[chord(before)].split():
        return False
    a, b = ([height(n) for n in notes] for notes in (before, now))
    if abs(b[0] - a[0]) > 7 or any(abs(p - q) > 5 for p, q in zip(a[1:], b[1:], strict=True)):
        return False
    for i, j in itertools.combinations(range(4), 2):
        first, second = a[j] - a[i], b[j] - b[i]
        if a[i] != b[i] and a[j] != b[j] and first % 12 == second % 12 and first % 12 in (0, 7):
            return False
    return True


@pytest.fixture(scope="module")
def phrases():
    """Every phrase of six chords, as names of notes."""
    inside = [[n for n in NOTES if height(a) <= height(n) <= height(b)] for a, b in RANGES]
    chords = [notes for notes in itertools.product(*inside) if lawful(notes)]
    after = {a: [b for b in chords if goes_on(a, b)] for a in chords}
    found = []
    for first in (c for c in chords if chord(c) in ("I", "vi")):
        names = [chord(first)]
        for second in after[first]:
            for third in after[second]:
                if chord(third) != "V":
                    continue
                for fourth in after[third]:
                    if chord(fourth) != names[0]:
                        continue
                    for fifth in after[fourth]:
                        if chord(fifth) == "V":
                            for last in after[fifth]:
                                if chord(last) == "I":
                                    found.append((first, second, third, fourth, fifth, last))
    return found


def entropy(counts):
    p = np.array(list(counts.values()), float)
    p /= p.sum()
    return float(-(p * np.log(p)).sum())


def test_as_many_phrases_as_can_be_written_down(phrases):
    task = Chords(chords=6)
    assert len(set(phrases)) == len(phrases) == task.count
    assert task.best == pytest.approx(math.log(len(phrases)) / 24, rel=1e-12)


def test_floors_are_entropies_of_the_list(phrases):
    task = Chords(chords=6)
    knowing, forgetful = task.floors(), task.floors(forgetful=True)
    for k in range(6):
        past = entropy(Counter(p[:k] for p in phrases))
        assert knowing[k] == pytest.approx(entropy(Counter(p[: k + 1] for p in phrases)) - past, abs=1e-9)
        last = entropy(Counter(p[k - 1 : k] for p in phrases)) if k else 0.0
        pair = entropy(Counter(p[max(k - 1, 0) : k + 1] for p in phrases))
        assert forgetful[k] == pytest.approx(pair - last, abs=1e-9)
    assert task.forgetful == pytest.approx(forgetful.sum() / 24)
    alone = sum(entropy(Counter(p[k][v] for p in phrases)) for k in range(6) for v in range(4))
    assert task.chance == pytest.approx(alone / 24, rel=1e-9)
    assert task.best < task.forgetful < task.chance


def test_every_phrase_is_drawn_and_all_alike(phrases):
    task = Chords(chords=6)
    batch = task.batch("all", batch_size=4000)
    index = {" ".join(itertools.chain(*p)): k for k, p in enumerate(phrases)}
    drawn = [index[task.decode(row)] for row in batch.y.T]  # a KeyError where a phrase is none
    halves = np.array(drawn) % 7  # classes of phrases, each about as many
    expected = np.bincount(np.arange(len(phrases)) % 7) / len(phrases) * len(drawn)
    assert (((np.bincount(halves) - expected) ** 2) / expected).sum() < 22.5  # chi square, p = 0.001
    names = Counter(tuple(chord(c) for c in phrases[k]) for k in drawn)
    wanted = Counter(tuple(chord(c) for c in p) for p in phrases)
    assert set(names) == set(wanted)
    share = {k: n / len(phrases) for k, n in wanted.items()}
    assert all(abs(n / len(drawn) - share[k]) < 0.03 for k, n in names.items())


@pytest.mark.parametrize("chords", [6, 8])
def test_the_best_predictor_finds_all_phrases_equally_likely(chords):
    task = Chords(chords=chords)
    batch = task.batch("test", batch_size=20, seed=3)
    p = task.expected(batch)
    assert np.allclose(p.sum(-1), 1)
    own = np.take_along_axis(p, batch.y[..., None], -1)[..., 0]
    assert np.allclose(-np.log(own).sum(0), math.log(task.count))
    assert task.correct(p, batch).all()
    assert not task.correct(np.where(p > 0, 0.0, 1.0), batch).any()


def test_faults_name_the_rule():
    task = Chords(chords=6)
    right = "C3 E3 G3 C4 F3 A3 C4 F4 G3 B3 D4 G4"  # parallels everywhere, to begin with
    assert "parallels" in task.faults(f"{right} {right}")[1]
    phrase = task.batch(batch_size=1, seed=5).y[:, 0]
    notes = task.decode(phrase).split()
    assert task.faults(" ".join(notes)) == [[]] * 6

    def changed(place, *new):
        return task.faults(" ".join([*notes[: 4 * place], *new, *notes[4 * place + 4 :]]))[place]

    assert "chord" in changed(1, "C3", "G3", "D4", "A4")
    assert "chord" in changed(0, "G2", "G3", "C4", "E4")  # the fifth in the bass
    assert "crossing" in changed(0, "C3", "E4", "G3", "C5")
    assert "range" in changed(0, "C3", "C4", "E4", "G5") or "spread" in changed(0, "C3", "C4", "E4", "G5")
    assert "spread" in changed(0, "C3", "C3", "G3", "E5")
    assert "opening" in changed(0, "G3", "B3", "D4", "G4")
    assert "half" in changed(2, "C3", "C4", "E4", "G4")
    assert "ending" in changed(5, "A3", "C4", "E4", "A4")
    assert "ending" in changed(4, "A3", "C4", "E4", "A4")
    other = ("A3", "C4", "E4", "A4") if chord(notes[:4]) == "I" else ("C3", "C4", "E4", "G4")
    assert "repeat" in changed(3, *other)
    assert "leap" in changed(1, "C4", "C4", "E4", "G5") or "leap" in changed(1, "F2", "F3", "A3", "C4")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: Chords(chords=7), ValueError, "chords=7 is odd"),
        (lambda: Chords(chords=14), ValueError, "chords=14"),
        (lambda: Chords().faults([1, 2, 3]), ValueError, "32 notes are needed"),
        (lambda: Chords().faults("C3 H3"), ValueError, "no symbol 'H3'"),
        (lambda: CartPole("half"), ValueError, "sees='half'"),
        (lambda: CartPole(steps=0), ValueError, "steps=0"),
        (lambda: CartPole().move([0, 0, 0], 1.0), ValueError, r"state has shape \(3,\)"),
        (lambda: CartPole().starts(0), ValueError, "count=0"),
    ],
)
def test_what_does_not_fit_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_a_phrase_that_breaks_a_rule_has_no_odds():
    task = Chords()
    batch = task.batch(batch_size=2)
    batch.y[0, 1] = 23
    with pytest.raises(ValueError, match="breaks a rule at step 0"):
        task.expected(batch)


# The cart: the equations of motion as a linear system, from the Lagrangian of a cart and a uniform rod.


def accelerations(state, force, M=1.0, m=0.1, half=0.5, g=9.8):
    _, _, angle, spin = state
    mass = [[M + m, m * half * np.cos(angle)], [m * half * np.cos(angle), 4 / 3 * m * half**2]]
    pushed = [force + m * half * spin**2 * np.sin(angle), m * g * half * np.sin(angle)]
    return np.linalg.solve(mass, pushed)


def test_the_cart_moves_as_mechanics_says():
    rng = np.random.default_rng(0)
    for state, force in zip(rng.normal(size=(20, 4)), 10 * rng.normal(size=20), strict=True):
        gain, turn = accelerations(state, force)
        rate = (CartPole().move(state, force) - state) / 0.02
        assert rate == pytest.approx([state[1], gain, state[3], turn], rel=1e-9)


def test_what_is_seen():
    cart, state = CartPole("all"), np.array([1.2, 3.0, np.pi / 30, -2.0])
    assert cart.view(state) == pytest.approx([0.5, 3.0, 0.5, -2.0])
    assert CartPole().view(state) == pytest.approx([0.5, 0.5])
    assert CartPole("two frames").view(state, 0 * state) == pytest.approx([0.5, 0.5, 0, 0])
    assert cart.upright([2.39, 9, 0.2, 9]) and not cart.upright([2.41, 0, 0, 0])
