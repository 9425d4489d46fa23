"""The coder of notebook 20: an LSTM of a million parameters that has read Python's standard library.

What a reader can do here: `load` it, and have it `complete` a program, by sampling or by beam search; say
with `kinds` and `marks` what each character of a program is; `train` it again, from this or another seed,
stopped and resumed at will. Its file is written by ``make train``, that is, by ``python -m
lstmcourse.course.coder``, in a quarter of an hour on a core of its own. A test trains it for the first steps
again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import at_least, generator, given, text, truth
from ..files import tensors
from ..run.backends import backends
from ..tasks import Library
from ..training import optim
from ..training.decoding import search
from ..training.fit import fit
from ..training.inspection import a_model
from ..training.model import Model

__all__ = ["FILE", "RECIPE", "complete", "kinds", "load", "marks", "train"]

FILE = Path(__file__).with_name("models") / "coder.safetensors"
HIDDEN, EMBEDDING = 480, 32
# The better of two recipes on validation files. The rate halves every 2,000 updates: one may stop anywhere.
RECIPE = {
    "steps": 7500,
    "learning_rate": 3e-3,
    "warmup": 200,
    "half_life": 2000,
    "batch_size": 16,
    "length": 64,
}
SOON = 20  # updates after which the loss is noted in the file
EVERY = 50  # updates between two checkpoints, ten seconds and more


def untrained(seed: int = 0, dtype: Any = np.float32) -> Model:
    """The network before its training."""
    return Model("lstm", Library(), HIDDEN, embedding=EMBEDDING, rng=seed, dtype=dtype)


@given(seed=at_least(0), stop=at_least(1, RECIPE["steps"]), progress=truth)
def train(
    seed: int = 0,
    *,
    stop: int = RECIPE["steps"],
    checkpoint: str | os.PathLike | None = None,
    progress: bool = False,
) -> Model:
    """Train a coder, in a quarter of an hour on a core of its own.

    Parameters
    ----------
    seed : int
        Of the first parameters and of the place at which reading starts. The stored coder has 0.
    stop : int
        The update after which to stop, of 7,500.
    checkpoint : path, optional
        A file that is written every 50 updates. If it is there already, training goes on from it, and ends
        where it would have ended without a break.
    progress : bool
        Show a bar.

    Returns
    -------
    Model

    Notes
    -----
    On another processor, rounding leads elsewhere within some hundred updates, and the loss on validation
    files moves with what was read last: trained again it was 1.22 after 7,500 updates, and 1.13 to 1.14 at
    five places within the next 200. The stored coder has 1.14.
    """
    model = untrained(seed)
    fit(
        model,
        stop,
        batch_size=RECIPE["batch_size"],
        length=RECIPE["length"],
        optimizer=optim.Adam(RECIPE["learning_rate"]),
        schedule=optim.Warmup(RECIPE["warmup"], optim.ExponentialDecay(RECIPE["half_life"])),
        seed=seed,
        checkpoint=checkpoint,
        checkpoint_every=0 if checkpoint is None else EVERY,
        resume=checkpoint is not None,
        progress=progress,
        backend=backends()[-1],
    )
    return model


def load(dtype: Any = np.float64) -> Model:
    """Return the stored coder; in float64 what it says is the same on every machine.

    Examples
    --------
    >>> load()
    Model(lstm: 97 symbols -> 32 -> 480 -> 97 for library, cross_entropy; 1,034,721 parameters, float64)
    """
    stored, _ = tensors.read(FILE)
    return untrained(dtype=dtype).with_params({name: p.astype(dtype) for name, p in stored.items()})


@given(prompt=text, length=at_least(0, 10**6))
def complete(
    prompt: str,
    length: int = 200,
    *,
    temperature: float = 0.5,
    beam: int | None = None,
    rng: np.random.Generator | int | None = None,
    model: Any = None,
) -> str:
    r"""Go on with a program.

    Parameters
    ----------
    prompt : str
        Its beginning; of a long one the last 4,000 characters are read.
    length : int
        How many characters to write.
    temperature : float
        Divides the scores before a character is drawn: 0 always takes the likeliest.
    beam : int, optional
        Nothing is drawn: line by line, so many of the likeliest beginnings are kept, and the line with the
        highest mean log-probability of its characters is written. The temperature then plays no part.
    rng : numpy.random.Generator or int, optional
        0 if not given.
    model : Model, optional
        Another model of characters; the stored coder if not given.

    Returns
    -------
    str
        The continuation, without the prompt.

    Examples
    --------
    >>> complete("import os\nimport sys\n\nif __name__ == '__ma", 7, temperature=0)
    "in__':\n"
    """
    rng = generator("rng", rng, default=0)
    model = load() if model is None else a_model("model", model)
    beginning = prompt[-LOOKS_BACK:] or "\n"
    if beam is None:
        return model.sample(beginning, length, temperature=temperature, rng=rng)
    whole_beam, written = at_least(1, 1000)("beam", beam), ""
    while len(written) < length:
        written += _line(model, (beginning + written)[-LOOKS_BACK:], whole_beam, length - len(written))
    return written


LOOKS_BACK = 4000


def _line(model: Model, prompt: str, beam: int, most: int) -> str:
    """The rest of a line, as beam search finds it; the line's end is symbol 0."""
    task = model.task
    read = task.encode(prompt)

    def step(symbols, state):
        if state is None:
            before = model.unroll(read[:-1, None]).final if len(read) > 1 else None
            state = before and {name: np.repeat(a, beam, axis=0) for name, a in before.items()}
            symbols = np.repeat(read[-1], beam)
        run = model.unroll(symbols[None], state=state)
        p = model.read_out(run[model.cell.output][0])
        p[:, task.unknown] = 0
        with np.errstate(divide="ignore"):
            return np.log(p), np.zeros((len(p), 1)), run.final

    return task.decode(search(step, 1, beam, 1.0, most).rows[0] + [0])[:most]


@given(source=text)
def kinds(source: str) -> np.ndarray:
    r"""Say what kind of character stands at each place of a program.

    Returns
    -------
    ndarray (T,) of str
        ``"indent"`` (spaces at the beginning of a line), ``"line end"``, ``"space"``, ``"first letter"`` of a
        word, ``"later letter"``, ``"digit"`` of a number, or ``"sign"``: punctuation, brackets, operators.

    Examples
    --------
    >>> kinds("  x1 = 2").tolist()
    ['indent', 'indent', 'first letter', 'later letter', 'space', 'sign', 'space', 'digit']
    """
    found, before, start = [], "\n", True
    for c in source:
        start = c == " " and (start or before == "\n")
        within = before.isalnum() or before == "_"
        word = c.isalpha() or c == "_"
        if c == "\n":
            found.append("line end")
        elif c == " ":
            found.append("indent" if start else "space")
        elif within and (word or c.isdigit()) and not (c.isdigit() and found[-1] == "digit"):
            found.append("later letter")
        else:
            found.append("first letter" if word else "digit" if c.isdigit() else "sign")
        before = c
    return np.array(found)


@given(source=text)
def marks(source: str) -> dict[str, np.ndarray]:
    """Say of each character of a whole program where it stands, as Python's own tokenizer reads it.

    Returns
    -------
    dict of str to ndarray (T,)
        ``"quotes"``: True from a string's first character to the last before its closing quote;
        ``"comment"``: True within a comment; ``"brackets"``: how many are open after the character;
        ``"indent"``: the spaces at the beginning of its line; ``"column"``: its place in the line.

    Raises
    ------
    ValueError
        Python cannot read the program.

    Examples
    --------
    >>> marks("f('a')")["quotes"].astype(int), marks("f('a')")["brackets"]
    (array([0, 0, 1, 1, 0, 0]), array([0, 1, 1, 1, 1, 0]))
    """
    lines = source.splitlines(keepends=True)
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines], dtype=int)])
    length = len(source)
    quotes, comment, opened = np.zeros(length, bool), np.zeros(length, bool), np.zeros(length + 1, int)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise ValueError(f"source is no program that Python can read: {error}") from error
    begun = 0
    for kind, content, (row, column), (last, end), _ in tokens:
        first, after = starts[row - 1] + column, (starts[last - 1] + end if last <= len(lines) else length)
        name = tokenize.tok_name[kind]
        if name == "FSTRING_START":  # in Python 3.12 and later, in parts
            begun = first
        elif name in ("STRING", "FSTRING_END"):
            quotes[first if name == "STRING" else begun : after - 1] = True
        elif name == "COMMENT":
            comment[first:after] = True
        elif name == "OP" and content in "([{":
            opened[first:] += 1
        elif name == "OP" and content in ")]}":
            opened[first:] -= 1
    width = [len(line) for line in lines]
    indent = [len(line) - len(line.lstrip(" ")) for line in lines]
    return {
        "quotes": quotes,
        "comment": comment,
        "brackets": opened[:length],
        "indent": np.repeat(indent, width).astype(int),
        "column": np.arange(length) - np.repeat(starts[:-1], width),
    }


def facts() -> dict[str, Any]:
    """Return what is noted about the stored coder's training."""
    return json.loads(tensors.read_header(FILE).metadata["facts"])


def validation_loss(model: Model) -> float:
    """The loss on 64,000 characters of files held out for validation."""
    return model.evaluate("validation", batches=10, batch_size=32, length=200).loss


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the coder, or go on with its training, and write its file: half precision is enough for it."""
    parser = argparse.ArgumentParser(prog="python -m lstmcourse.course.coder", description=main.__doc__)
    parser.add_argument("--checkpoint", default="coder.training.safetensors", help="where its training lies")
    parser.add_argument("--to", default=FILE, type=Path, help="the file to write at the end")
    options = parser.parse_args(arguments)
    soon = validation_loss(train(stop=SOON))
    model = train(checkpoint=options.checkpoint, progress=True)
    facts = RECIPE | {
        "seed": 0,
        "loss soon": soon,
        "loss": validation_loss(model),
        "data": model.task.data_digest(),
        "python": platform.python_version(),
    }
    half = {name: p.astype(np.float16) for name, p in model.params.items()}
    tensors.write(options.to, half, {"facts": json.dumps(facts)})


if __name__ == "__main__":
    main()
