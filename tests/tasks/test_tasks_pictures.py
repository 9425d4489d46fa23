"""Parity, addition, percolation, handwriting, tones and speakers: each against its rule, and counted."""

from itertools import product

import numpy as np
import pytest

from lstmcourse.cells import grids
from lstmcourse.errors import ShapeError, UnknownNameError
from lstmcourse.tasks import Addition, Handwriting, Parity, Percolation, Speakers, Tones, data


def nats(p):
    p = np.asarray(p, float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum())


# Parity


@pytest.mark.parametrize("given", ["at once", "in turn"])
def test_parity_is_the_product_of_the_signs(given):
    batch = Parity(bits=7, given=given).batch(batch_size=300)
    assert set(np.unique(batch.x)) == {-1, 1} and batch.mask.sum() == batch.mask[-1].sum() == 300
    signs = batch.x[0] if given == "at once" else batch.x[..., 0].T
    assert (np.prod(-signs, axis=1) == 1 - 2 * batch.y[-1]).all()


def test_parity_at_once_and_in_turn_of_any_length():
    assert Parity(given="in turn").batch(batch_size=2, length=30).x.shape == (30, 2, 1)
    with pytest.raises(ValueError, match="length=30 .* own lengths"):
        Parity().stream(batch_size=2, length=30)
    found = [{r.tobytes() for r in Parity(bits=6).batch(s, batch_size=800).x[0]} for s in ("train", "test")]
    assert not found[0] & found[1] and len(found[0] | found[1]) <= 64


# Addition


@pytest.mark.parametrize("digits", [1, 2, 5])
def test_sums_are_those_of_python(digits):
    task = Addition(digits=digits)
    batch = task.batch("all", batch_size=200)
    for column, y, mask in zip(batch.x.T, batch.y.T, batch.mask.T, strict=True):
        question, answer = task.decode(column).rstrip(), "".join(map(str, y[mask]))
        assert answer == str(eval("+".join(str(int(n)) for n in question[:-1].split("+")))).zfill(digits + 1)
        assert (
            len(question) + digits == len(column)
            and mask[len(question) - 1 :].all()
            and mask.sum() == digits + 1
        )


@pytest.mark.parametrize("digits", [1, 2])
def test_chance_of_addition_by_all_pairs(digits):
    task = Addition(digits=digits)
    sums = [str(a + b).zfill(digits + 1) for a, b in product(range(10**digits), repeat=2)]
    places = [np.unique([s[k] for s in sums], return_counts=True)[1] for k in range(digits + 1)]
    assert task.chance == pytest.approx(np.mean([nats(p) for p in places]))
    assert task.chance_accuracy == pytest.approx(np.mean([p.max() / p.sum() for p in places]))


def test_a_pair_of_numbers_is_in_one_split():
    found = [
        {c.tobytes() for c in Addition().batch(s, batch_size=4000).x.T.copy()} for s in ("train", "test")
    ]
    assert not found[0] & found[1] and len(found[0]) > 2500


# Percolation


def reached(picture):
    """Fields that water reaches, by following it from field to field."""
    wet, waiting = set(), [(0, 0)]
    while waiting:
        r, c = waiting.pop()
        if (r, c) not in wet and r < len(picture) and c < len(picture[0]) and picture[r][c]:
            wet.add((r, c))
            waiting += [(r + 1, c), (r, c + 1)]
    return wet


def test_wet_is_what_water_reaches():
    batch = Percolation(rows=6, columns=7).batch(batch_size=100)
    for b in range(100):
        wet = {(r, c) for r, c in zip(*np.nonzero(batch.y[:, b]), strict=True)}
        assert wet == reached(batch.x[:, b])
    assert 0 < batch.y.mean() < batch.x.mean() < 1


@pytest.mark.parametrize("density", [0.3, 0.75])
def test_probabilities_of_percolation_by_all_pictures(density):
    rows, columns = 3, 3
    task, wet = Percolation(rows=rows, columns=columns, density=density), np.zeros((rows, columns))
    patterns = [{} for _ in range(rows)]
    for fields in product([0, 1], repeat=rows * columns - 1):
        picture = np.array([1, *fields]).reshape(rows, columns)
        p = density ** sum(fields) * (1 - density) ** (len(fields) - sum(fields))
        label = np.zeros_like(wet)
        for place in reached(picture):
            label[place] = 1
        wet += p * label
        for k, row in enumerate(label):
            patterns[k][row.tobytes()] = patterns[k].get(row.tobytes(), 0) + p
    np.testing.assert_allclose(task.wet, wet, rtol=1e-12)
    expected = sum(nats([q, 1 - q]) for q in wet.ravel()) / rows
    assert task.chance == pytest.approx(expected, rel=1e-9)
    assert task.chance_accuracy == pytest.approx(np.mean([max(p.values()) for p in patterns]))


def test_pictures_are_drawn_as_often_as_they_should_be():
    task = Percolation(rows=5, columns=6)
    batch = task.batch("all", batch_size=20_000)
    np.testing.assert_allclose(batch.y.mean(1), task.wet, atol=0.02)


def test_along_anti_diagonals_the_label_needs_one_step_back():
    task = Percolation(rows=4, columns=6)
    batch = task.batch(batch_size=50)
    x, y = task.skewed(batch.x), task.skewed(batch.y)
    assert x.shape == (9, 50, 6) and x.sum() == batch.x.sum()
    before = np.concatenate([np.zeros_like(y[:1]), y[:-1]])
    left = np.concatenate([np.zeros_like(y[..., :1]), before[..., :-1]], -1)
    rule = x * np.maximum(before, left)
    rule[0, :, 0] = 1
    assert (rule == y).all()
    with pytest.raises(ShapeError, match="rows, B, columns"):
        task.skewed(np.zeros((3, 3)))


def test_by_diagonals_come_the_same_pictures_and_each_field_is_scored_once():
    by_rows, task = (Percolation(rows=4, columns=6, given=f"by {how}") for how in ("rows", "diagonals"))
    rows, batch = (t.batch("test", batch_size=30, seed=2) for t in (by_rows, task))
    for ours, theirs in ((batch.x, rows.x), (batch.y, rows.y)):
        assert np.array_equal(grids.straightened(ours)[..., 0].swapaxes(1, 2), theirs.swapaxes(1, 2))
        assert not ours[~batch.mask].any()
    assert batch.mask.sum() == rows.x.size and grids.straightened(batch.mask).all()
    q = task.wet
    assert task.chance == pytest.approx(np.mean([nats([p, 1 - p]) for p in q.ravel()]))
    assert task.chance_accuracy == pytest.approx(np.maximum(q, 1 - q).mean())
    guess = np.broadcast_to(task.skewed((q > 0.5)[:, None])[..., None], batch.y.shape)
    right = task.correct(guess, batch)[batch.mask]
    assert right.shape == (30 * 24,) and right.mean() == pytest.approx(task.chance_accuracy, abs=0.1)


# Handwriting


def test_digits_are_those_of_the_file_cut_at_half():
    task = Handwriting()
    batch = task.whole("all")
    assert np.array_equal(task.pictures(batch.x), data.digits().images >= 8) and batch.y is batch.x
    assert np.array_equal(task.labels(), data.digits().labels)
    for split in ("train", "validation", "test"):
        assert len(task.labels(split)) == task.whole(split).x.shape[1] > 140


def test_enlarging_is_linear_interpolation_between_pixel_centres():
    large = Handwriting(size=16).pictures(Handwriting(size=16).whole("all").x)
    for k in (0, 3, 1000):
        image = data.digits().images[k].astype(float)
        at = np.clip((np.arange(16) - 0.5) / 2, 0, 7)
        along = np.array([np.interp(at, np.arange(8), row) for row in image])
        both = np.array([np.interp(at, np.arange(8), column) for column in along.T]).T
        assert np.array_equal(large[k], both >= 8)


def test_a_digit_lies_anywhere_on_its_canvas_and_pixels_are_counted():
    task = Handwriting(canvas=11)
    batch = task.batch("all", batch_size=20_000)
    known = {p.tobytes() for p in data.digits().images >= 8}
    pictures = task.pictures(batch.x) > 0.5
    for picture in pictures[:100]:
        places = [picture[r : r + 8, c : c + 8] for r in range(4) for c in range(4)]
        whole = [p for p in places if p.sum() == picture.sum()]
        assert any(p.tobytes() in known for p in whole)
    np.testing.assert_allclose(pictures.mean(0), task.frequencies, atol=0.02)
    p = np.clip(pictures.mean(0), 1e-9, 1)
    loss = -(pictures * np.log(p) + (1 - pictures) * np.log(np.clip(1 - p, 1e-9, 1))).sum((1, 2)).mean()
    assert loss == pytest.approx(task.chance, rel=0.01)
    assert task.chance_accuracy == pytest.approx(np.maximum(p, 1 - p).mean(), abs=0.005)


# Tones


def test_without_jumps_and_noise_a_tone_obeys_the_recurrence_of_two_sines():
    task = Tones(frames=30, jump=0, noise=0)
    batch = task.batch(batch_size=20, dtype=np.float64)
    sound = np.concatenate([batch.x, batch.y[-1:]]).swapaxes(0, 1).reshape(20, -1)
    for row in sound:  # s[n] + a s[n-1] + b s[n-2] + a s[n-3] + s[n-4] = 0 for any sum of two sines
        A = np.stack([row[3:-1] + row[1:-3], row[2:-2]], 1)
        target = -(row[4:] + row[:-4])
        coefficients = np.linalg.lstsq(A, target, rcond=None)[0]
        np.testing.assert_allclose(A @ coefficients, target, atol=1e-8)
        roots = np.abs(np.angle(np.roots([1, coefficients[0], coefficients[1], coefficients[0], 1]))) / (
            2 * np.pi
        )
        assert (roots > 0.05 - 1e-6).all() and (roots < 0.25 + 1e-6).all()


def test_tones_jump_as_often_as_stated_and_have_the_stated_variance():
    task = Tones(jump=0.2, noise=0.1)
    batch = task.batch("all", batch_size=8000, dtype=np.float64)
    assert batch.x.var() == pytest.approx(task.chance, rel=0.02) and batch.x.mean() == pytest.approx(
        0, abs=0.01
    )
    per_frame = 0.5 * (np.log(2 * np.pi * task.chance) + batch.x**2 / task.chance).sum(-1).mean()
    assert per_frame == pytest.approx(task.gaussian, abs=0.05)
    still = Tones(jump=0.2, noise=0, size=1, frames=200).batch("all", batch_size=500, dtype=np.float64)
    sound = np.concatenate([still.x, still.y[-1:]])[..., 0]
    a = np.lib.stride_tricks.sliding_window_view(sound, 9, axis=0)
    M = np.stack([a[..., 1:6] + a[..., 3:8], a[..., 2:7]], -1)
    target = -(a[..., 4:9] + a[..., 0:5])
    fit = np.einsum("...ij,...j->...i", M, np.einsum("...ij,...j->...i", np.linalg.pinv(M), target))
    whole = np.abs(fit - target).max(-1) < 1e-6  # nine samples of one pair of sines: no jump in eight steps
    assert whole.mean() == pytest.approx(0.8**8, abs=0.01)


# Speakers


def test_speakers_and_splits_are_the_published_ones():
    task = Speakers()
    utterances, speakers, _ = data.vowels()
    test, train, held = (task.whole(s, dtype=np.float64) for s in ("test", "train", "validation"))
    assert [b.x.shape[1] for b in (train, held, test)] == [216, 54, 370]
    assert np.bincount(test.y[test.mask]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert (
        np.bincount(train.y[train.mask]).tolist() == [24] * 9
        and np.bincount(held.y[held.mask]).tolist() == [6] * 9
    )
    frames = np.concatenate([train.x[:n, b] for b, n in enumerate(train.lengths)])
    np.testing.assert_allclose(frames.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(frames.std(0), 1)
    every = task.whole("all", dtype=np.float64)
    scale = [u[:1] @ np.eye(12) for u in utterances[:2]]
    slope = (every.x[0, 0] - every.x[0, 1]) / (scale[0] - scale[1])[0]
    for b, u in enumerate(utterances):  # all utterances were changed by one straight line
        assert every.lengths[b] == len(u) and every.y[len(u) - 1, b] == speakers[b]
        np.testing.assert_allclose(every.x[: len(u), b] - every.x[0, 0], slope * (u - scale[0]), atol=1e-9)
        assert not every.x[len(u) :, b].any()


def test_speakers_are_drawn_alike():
    batch = Speakers().batch("test", batch_size=9000)
    share = np.bincount(batch.y[batch.mask]) / 9000
    assert abs(share - 1 / 9).max() < 0.015 and nats(share) == pytest.approx(Speakers().chance, abs=0.005)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Parity(bits=3), ValueError, "bits=3 .* at least 4"),
        (lambda: Parity(given="at one"), UnknownNameError, "did you mean 'at once'"),
        (lambda: Addition(digits=6), ValueError, "digits=6 .* from 1 to 5"),
        (lambda: Percolation(columns=11), ValueError, "columns=11 .* from 2 to 10"),
        (lambda: Percolation(density=1), ValueError, "density=1 .* ends excluded"),
        (lambda: Handwriting(size=9), ValueError, "size=9 .* 8 or 16"),
        (lambda: Handwriting(size=16, canvas=15), ValueError, "canvas=15 .* at least 16"),
        (lambda: Handwriting().pictures(np.zeros((3, 63))), ShapeError, r"\(\.\.\., 64\)"),
        (lambda: Handwriting().labels("tset"), UnknownNameError, "did you mean 'test'"),
        (lambda: Tones(jump=1.5), ValueError, "jump=1.5"),
        (lambda: Tones(frames=0), ValueError, "frames=0"),
        (lambda: Speakers().whole("tset"), UnknownNameError, "did you mean 'test'"),
    ],
)
def test_bad_input_is_refused_by_name(make, error, says):
    with pytest.raises(error, match=says):
        make()
