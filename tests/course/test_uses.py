"""The networks of notebook 21: drivers against the loop, the page against both, and the stored files."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import uses
from lstmcourse.tasks import CartPole, Chords

NODE = shutil.which("node") or shutil.which("nodejs")
WEIGHTS = np.random.default_rng(0).standard_normal((4, 32))


def kept(run):
    up = (np.abs(run["position"]) < 2.4) & (np.abs(run["angle"]) < np.pi / 15)
    return np.cumprod(up[..., 0], axis=0).sum(axis=0)


def test_many_drivers_at_once_are_each_the_loop():
    driver = uses.Driver()
    starts = driver.cart.starts(5, rng=0)
    together = driver.drive(WEIGHTS, starts)
    for k, weights in enumerate(WEIGHTS):
        assert np.array_equal(together[k], kept(uses.trial(driver.params(weights), starts)))
    assert driver.drive(uses.driver()[None], starts).min() == 500


def test_a_driver_without_memory_is_one_whose_recurrent_weights_are_0():
    plain = uses.Driver(memory=False)
    weights = np.delete(WEIGHTS, np.s_[8:24], axis=1)
    cut = WEIGHTS.copy()
    cut[:, 8:24] = 0
    starts = plain.cart.starts(5, rng=1)
    assert plain.size == 16 and weights.shape == (4, 16)
    assert np.array_equal(plain.drive(weights, starts), uses.Driver().drive(cut, starts))


def test_two_frames_are_those_of_now_and_of_the_step_before():
    cart = CartPole("two frames", steps=3)
    driver = uses.Driver(cart, 1, memory=False)
    weights = np.array([0, 0.0, 0, 5.0, 0, 1.0])  # reads the older angle alone
    state = before = np.array([0.0, 0.0, 0.1, 0.4])
    for _ in range(3):
        force = 10 * np.tanh(np.tanh(5 * before[2] / (np.pi / 15)))
        before, state = state, cart.move(state, force)
    steps = driver.drive(weights[None], np.array([[0.0], [0.0], [0.1], [0.4]]))
    assert steps == 3 and cart.upright(state)


@pytest.mark.skipif(NODE is None, reason="no Node.js")
def test_the_page_computes_what_the_loop_does(tmp_path):
    page = uses.balancer().html
    code = page.split('<script type="module">')[1].split("const PUSH")[0].replace("<\\/", "</")
    program = f"""{code}
const row = (x) => ({{ shape: [1, x.length], data: Float64Array.from(x) }});
const state = {{ position: row([0.2]), speed: row([0]), angle: row([0.05]), spin: row([0]) }};
state.h = row([0, 0, 0, 0]);
const path = [];
for (let t = 0; t < 40; t++) {{
  const push = {{ shape: [1, 1, 1], data: Float64Array.of(t === 20 ? 15 : 0) }};
  const found = cell.run({{ params: spec.params, push, state }});
  for (const k of Object.keys(state)) state[k] = row(found[k].data);
  path.push([...found.position.data, ...found.angle.data, ...found.h.data]);
}}
console.log(JSON.stringify(path));
"""
    (tmp_path / "page.mjs").write_text(program, encoding="utf-8")
    said = subprocess.run([NODE, tmp_path / "page.mjs"], capture_output=True, text=True, check=True)
    push = np.zeros((40, 1))
    push[20] = 15
    params = uses.Driver().params(uses.driver())
    run = uses.trial(params, [[0.2], [0.0], [0.05], [0.0]], steps=40, push=push)
    path = np.concatenate([run["position"], run["angle"], run["h"]], axis=-1)[:, 0]
    assert np.array(json.loads(said.stdout)) == pytest.approx(path, abs=1e-9)


def test_the_first_steps_of_training_lead_where_the_file_says(monkeypatch):
    monkeypatch.setattr(uses, "backends", lambda: ["numpy"])  # nothing is compiled for so few steps
    facts = lc.checkpoints.load(uses.COMPOSER).facts
    assert {k: facts[k] for k in uses.COMPOSING} == uses.COMPOSING and facts["seed"] == 0
    soon = uses.train_composer(stop=uses.SOON).evaluate("validation").loss
    assert soon == pytest.approx(facts["loss soon"], rel=0.02)
    model = uses.composer()
    assert model.evaluate("validation", batches=2).loss < 1.05 * model.task.best
    assert uses.COMPOSER.stat().st_size + uses.DRIVER.stat().st_size < 1e5


# n-grams and phrases


def by_hand(task, given, order, past, place):
    """The probability of each note after `past`, by the definition."""
    K = task.output_size
    p = np.full(K, 1 / K)
    for k in range(order + 1):
        context = ([0] * (k + 1) + past)[len(past) + k + 1 - k :] if k else []
        counts = np.zeros(K)
        for b in range(given.y.shape[1]):
            notes = [0] * k + given.x[:, b].tolist()
            for t in range(len(given.y)):
                if notes[t + 1 : t + 1 + k][-k:] == context[-k:] or not k:
                    if not place or t == len(past) - 1:
                        counts[given.y[t, b]] += 1
        N, T = counts.sum(), (counts > 0).sum()
        p = (counts + T * p) / (N + T) if N else p
    return p


@pytest.mark.parametrize("place", [False, True])
def test_counts_are_those_of_the_definition(place):
    task = Chords(chords=6)
    given, new = (task.batch(batch_size=n, seed=n) for n in (6, 2))
    p = uses.NGram(task, given, order=3, place=place).predict(new.x)
    assert np.allclose(p.sum(-1), 1)
    for t in (0, 1, 5, 23):
        past = new.x[: t + 1, 1].tolist()
        assert p[t, 1] == pytest.approx(by_hand(task, given, 3, past, place), rel=1e-9)


@pytest.mark.parametrize("place", [False, True])
def test_a_context_may_be_as_long_as_a_phrase(place):
    """The number of contexts grows as 24 to the power of their length, beyond any whole number of 64 bits."""
    task = Chords()
    given, new = (task.batch(batch_size=n, seed=n) for n in (8, 2))
    given.x[:14, 0], given.x[14:, 0] = new.x[:14, 1], new.x[:18, 0]  # a long context that is seen again
    longest = uses.NGram(task, given, order=32, place=place).predict(new.x)
    twelve = uses.NGram(task, given, order=12, place=place).predict(new.x)
    for t in (0, 12, 13, 31):
        past = new.x[: t + 1, 1].tolist()
        assert longest[t, 1] == pytest.approx(by_hand(task, given, 32, past, place), rel=1e-9)
        assert twelve[t, 1] == pytest.approx(by_hand(task, given, 12, past, place), rel=1e-9)
    assert not np.allclose(longest[13, 1], twelve[13, 1])


def test_a_phrase_is_drawn_note_by_note_from_what_is_said():
    task = Chords(chords=6)
    model = lc.Model("rnn", task, 5, rng=0, dtype=np.float64)
    drawn = uses.compose(model, 3000, rng=1)
    assert drawn.shape == (24, 3000)
    x = np.concatenate([np.zeros((1, 3000), np.int64), drawn[:-1]])
    p = model.predict(x)
    expected, got = p.mean(axis=1), np.stack([(drawn == k).mean(axis=1) for k in range(task.output_size)], 1)
    assert np.abs(expected - got).max() < 0.04
    assert np.array_equal(drawn, uses.compose(model, 3000, rng=1))


def test_a_sound_is_a_small_file_that_plays_what_was_given():
    import io
    import wave

    tone = np.sin(np.arange(4000) * 0.3)
    made = uses.sound(0.2 * tone, label="<a>")
    with wave.open(io.BytesIO(made.wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 1, 8000)
        played = (np.frombuffer(file.readframes(4000), np.uint8) - 127.5) / 127
    assert np.abs(played - tone / np.abs(tone).max()).max() < 0.01
    assert "&lt;a&gt;" in made._repr_html_() and "<audio" in made._repr_html_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: uses.pitches([1, 2, 3]), r"shape \(3,\)"),
        (lambda: uses.pitches([1, 2, 3, 99]), "symbols 1 to 99"),
        (lambda: uses.sound([]), "samples has 0 numbers"),
        (lambda: uses.sound([np.inf]), "finite"),
        (lambda: uses.over_four([1.0]), r"values has shape \(1,\)"),
        (lambda: uses.Driver().params(np.zeros(3)), r"weights has shape \(3,\)"),
        (lambda: uses.Driver().drive(np.zeros(32), np.zeros((4, 2))), r"\(P, n\) and \(4, E\)"),
        (lambda: uses.trial({}, np.zeros(4)), r"\(4, E\) is needed"),
        (lambda: uses.NGram(Chords(), Chords().batch(batch_size=1), 33), "order=33"),
    ],
)
def test_what_does_not_fit_is_said(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_what_is_no_model_of_chords_composes_nothing():
    with pytest.raises(TypeError, match="model=3"):
        uses.compose(3, 1)
    with pytest.raises(TypeError, match=r"model\.task="):
        uses.compose(lc.Model("rnn", "reber", 3), 1)
    with pytest.raises(TypeError, match="task=3"):
        uses.NGram(3, SimpleNamespace(x=[[0]], y=[[0]]), 1)
