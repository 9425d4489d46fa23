"""Notebook 08: the output gate."""

from __future__ import annotations

import functools
import re

import numpy as np

from ...cells import lstm
from ...run.unroll import unroll
from ...tasks import agreement
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Members, Refused, Rule
from ..weights import weights_of

NOTEBOOK = "08_output_gate"


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


# 08.1


def _shown(line=lambda o, C: o * np.tanh(C), gate=_sigmoid, b=1.0):
    """What is shown, with something else in its place."""
    return lambda x, h, C, W, U, b_o: line(gate(x @ W + h @ U + b * b_o), C)


def _show(x, h, C, W, U, b):
    return _shown()(x, h, C, W, U, b)


def _shown_draw(rng):
    B, D, H = 3, 2, 4
    return tuple(rng.standard_normal(s) for s in ((B, D), (B, H), (B, H), (D, H), (H, H), (H,)))


exercise(
    "08.1",
    "What is shown",
    notebook=NOTEBOOK,
    kind="write",
    minutes=4,
    difficulty=1,
    hints=(
        "The gate is made as the two before it: a sum of three parts, and a sigmoid.",
        "Two things happen to C on its way out. In which order?",
        "First tanh, then the gate: the gate multiplies what tanh has squashed.",
    ),
    judge=Function(
        _show,
        _shown_draw,
        {
            "not squashed": (
                _shown(lambda o, C: o * C),
                "The state is shown as it is. Something has to keep it within -1 and 1.",
            ),
            "squashed after the gate": (
                _shown(lambda o, C: np.tanh(o * C)),
                "The gate comes first here, and tanh after it. It is the other way round.",
            ),
            "no gate": (
                _shown(lambda o, C: np.tanh(C)),
                "All is shown: no gate decides how much.",
            ),
            "the gate alone": (
                _shown(lambda o, C: o),
                "That is the gate. What does it let through?",
            ),
            "a sigmoid for the state": (
                _shown(lambda o, C: o * _sigmoid(C)),
                "The state goes through the sigmoid, and all that is shown is positive.",
            ),
            "what is held back": (
                _shown(lambda o, C: (1 - o) * np.tanh(C)),
                "That is the part that is held back.",
            ),
            "added": (
                _shown(lambda o, C: o + np.tanh(C)),
                "The gate is added. A shut gate should leave 0.",
            ),
            "a tanh for the gate": (
                _shown(gate=np.tanh),
                "Your gate can be negative, and show the opposite of what is stored.",
            ),
            "no bias": (_shown(b=0.0), "The bias is missing from the sum."),
            "the gate of the state": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + C @ U + b) * np.tanh(C),
                "Your gate looks at C itself. In this cell it sees what was shown of it, h.",
            ),
        },
        praise="A filtered view: squashed, then let through in part.",
    ),
)


# 08.2

exercise(
    "08.2",
    "Hidden while nobody asks",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=2,
    difficulty=1,
    hints=(
        "C goes on while h is 0. Does it go on as it would have?",
        "Who else looks at h, besides the read-out?",
        "The gates at each word see x and h. If h is 0, what do they know of the sentence?",
    ),
    judge=Choice(
        "hardly better than a guess",
        {
            "hardly better than a guess": (
                "The gates that read the words in between saw an h of 0. See what the next cell says."
            ),
            "as right as before": (
                "That would follow if h were nothing but output. What else is it used for, one step later?"
            ),
            "right for the plural alone": (
                "Nothing is hidden better in one kind of subject than in the other: all output gates "
                "are shut."
            ),
            "the other verb": (
                "To say the other verb always, one has to know which is right. Does it show the opposite?"
            ),
            "right in the first sentence alone": ("It is done in every sentence, the first one among them."),
            "wrong at the pronoun alone": (
                "The pronoun comes later, with the gates open for many words. Who is asked first?"
            ),
        },
    ),
)


# 08.3


def _step(h_of=lambda o, new, old: o * np.tanh(new), give=lambda h, new, old: (h, new), write=None):
    write = write or (lambda f, c, i, g: f * c + i * g)

    def step(x, h, c, W, U, b):
        i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        new = write(f, c, i, g)
        return give(h_of(o, new, c), new, c)

    return step


def _right_step(x, h, c, W, U, b):
    return _step()(x, h, c, W, U, b)


def _step_draw(rng):
    B, D, H = 2, 3, 4
    shapes = ((B, D), (B, H), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,))
    return tuple(rng.standard_normal(s) for s in shapes)


exercise(
    "08.3",
    "One step behind",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Start from h = 0 and c = 0. What should h be after the first step, and what is it here?",
        "Follow `c` through the lines: which of its two values does each line see?",
        "Look at the picture of the cell: where does the line to h begin, before the update or after it?",
    ),
    judge=Function(
        _right_step,
        _step_draw,
        {
            "not mended": (
                _step(lambda o, new, old: o * np.tanh(old)),
                "c is right and h is not: what is shown is not the state that is returned beside it.",
            ),
            "the old state returned": (
                _step(give=lambda h, new, old: (h, old)),
                "h is right now. The c that is returned is the one that came in.",
            ),
            "exchanged": (
                _step(give=lambda h, new, old: (new, h)),
                "Both are right, and in the wrong order: h first.",
            ),
            "not squashed": (
                _step(lambda o, new, old: o * new),
                "The tanh on the way out got lost.",
            ),
            "no gate": (
                _step(lambda o, new, old: np.tanh(new)),
                "The output gate got lost.",
            ),
            "squashed after the gate": (
                _step(lambda o, new, old: np.tanh(o * new)),
                "Gate and tanh have changed places on the way out.",
            ),
            "nothing carried on": (
                _step(write=lambda f, c, i, g: i * g),
                "The old state does not enter the new one any more.",
            ),
            "the gates exchanged": (
                _step(write=lambda f, c, i, g: i * c + f * g),
                "The forget gate and the input gate have changed places.",
            ),
            "both states of before": (
                _step(lambda o, new, old: o * np.tanh(old), lambda h, new, old: (h, old)),
                "Now neither result knows of this step's input but through the gate.",
            ),
        },
        praise=(
            "First the update, then the view of it. With the lines exchanged, what is shown lies a step "
            "behind, and nothing fails."
        ),
    ),
)


# 08.4


def _view(p, steps):
    """What a unit shows at each step of (set, ask)."""
    return unroll(lstm, p, np.asarray(steps, float)[:, None, :])["h"][:, 0, 0]


_REST, _SET, _ASK = (0, 0), (1, 0), (0, 1)


def _long(p):
    shown = _view(p, [_SET] + ([_REST] * 6 + [_ASK] * 2) * 4)
    asked = np.array([False] + ([False] * 6 + [True] * 2) * 4)
    return shown[asked].min() > 0.7 and np.abs(shown[~asked]).max() < 0.05


exercise(
    "08.4",
    "Shown on demand",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=2,
    hints=(
        "Setting and keeping is what the exercises before this one did: candidate, input gate, forget gate.",
        "The output gate looks at the second input alone. How does it stand when that is 0?",
        "`b_o` far below 0, and the second number of `W_o` twice as far above it.",
    ),
    judge=Behaviour(
        weights_of(lstm, input_size=2, needed=("b_f", "W_o", "b_o")),
        (
            Rule(
                "never shown",
                "After a 1, h is still near 0 when the second input asks for it. Was it stored, and does the "
                "output gate open?",
                lambda p: abs(_view(p, [_SET, _REST, _ASK])[-1]) > 0.1,
            ),
            Rule(
                "the wrong sign",
                "What is shown of a 1 is negative.",
                lambda p: _view(p, [_SET, _REST, _ASK])[-1] > 0,
            ),
            Rule(
                "asking sets it",
                "A unit that was never set shows something when it is asked. Who writes it?",
                lambda p: abs(_view(p, [_REST, _ASK, _ASK])[-1]) < 0.05,
            ),
            Rule(
                "shown at once",
                "It shows itself at the very step at which it is set, although nobody asks.",
                lambda p: abs(_view(p, [_SET])[-1]) < 0.05,
            ),
            Rule(
                "shown unasked",
                "h is not near 0 at a step at which nobody asks.",
                lambda p: abs(_view(p, [_SET, _REST, _REST])[-1]) < 0.05,
            ),
            Rule(
                "not kept",
                "It is shown soon after it was set, and not 20 steps later: the forget gate lets it go.",
                lambda p: (
                    _view(p, [_SET] + [_REST] * 20 + [_ASK])[-1] > 0.9 * _view(p, [_SET, _REST, _ASK])[-1]
                ),
            ),
            Rule(
                "faint",
                (
                    "It is shown, with 0.7 or less. At most tanh(1) = 0.76 can come of a state of 1: which "
                    "gate, or the candidate, takes too much away?"
                ),
                lambda p: _view(p, [_SET, _REST, _ASK])[-1] > 0.7,
            ),
            Rule(
                "not for long",
                (
                    "Asked once it does well; asked many times it does not. To show a value should neither "
                    "delete it nor open the gate for the next step: what does h do to the gates?"
                ),
                _long,
            ),
        ),
        praise="Stored at one step, shown at another: that is what two separate states are good for.",
    ),
)


# 08.6


@functools.cache
def _alone():
    """Shares right of gender and the pronoun's number without each unit (2, H)."""
    from ...course import reader
    from ...training import inspection

    model, rows = reader.load(), reader.rows(64)
    quiet = (inspection.silence(model, unit) for unit in range(model.hidden_size))
    found = [reader.answers(q.predict(rows.x), rows) for q in quiet]
    return np.array([[a[what] for a in found] for what in ("gender", "number")])


@functools.cache
def _carrier(what):
    from ...course import reader

    return reader.carrier(reader.load(), what)[0]


def _below(share, row=0):
    return np.flatnonzero(_alone()[row] < share)


exercise(
    "08.6",
    "Who must not be silent",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=10,
    difficulty=3,
    hints=(
        "One unit after the other: `for unit in range(32)`, and `lc.inspection.silence(reader, unit)`.",
        '`lc.reader.answers(quiet.predict(few.x), few)["gender"]`, with the 64 rows `few`.',
        "Collect those units for which that is below 0.8.",
    ),
    judge=Members(
        lambda: _below(0.8),
        {
            "the carrier alone": (
                lambda: {_carrier("gender")},
                (
                    "That is the unit that tells the gender best, by the probe. It is one of them. Silence "
                    "each of the 32 units in turn."
                ),
            ),
            "the carrier of number": (
                lambda: {_carrier("number")},
                (
                    "That is the unit that tells number best. It belongs to the set, as it happens. Silence "
                    "each of the 32 units in turn, and look at gender."
                ),
            ),
            "the pronoun's number": (
                lambda: _below(0.8, row=1),
                "That is where the pronoun's number suffers: they, or one of he and she. Look at gender.",
            ),
            "below 0.9": (
                lambda: _below(0.9),
                "One of these keeps more than 0.8 of the genders right. Look at the bound.",
            ),
            "below 1": (
                lambda: _below(1.0),
                "Some of these do little harm. Those below 0.8 are asked for.",
            ),
            "the worst alone": (
                lambda: _below(0.6),
                "Those bring gender down to a guess. Others bring it below 0.8 as well.",
            ),
            "those that may be silent": (
                lambda: np.flatnonzero(_alone()[0] >= 0.8),
                "Those are the others, without which gender stays right.",
            ),
            "all units": (
                lambda: range(_alone().shape[1]),
                "Those are all units there are. Most can be silent without harm.",
            ),
        },
        praise=(
            "Several of 32 units, and the probe had named one. The others pass gender on, or help to write "
            "it: to be needed and to carry it best are not the same."
        ),
    ),
)


# 08.7

LONGEST = 20


@functools.cache
def _grammar():
    """A sentence of the language up to its pronoun, with any number of distractors."""

    def one(words):
        return f"(?:{'|'.join(words)})"

    nouns = one([noun for group in agreement._NOUNS for noun in group])
    things, adjectives = one(agreement._THINGS), one(agreement._ADJECTIVES)
    near, seen = one(agreement._PREPOSITIONS), one(agreement._PARTICIPLES)
    phrase = f"(?:(?:{near}|{seen}) the (?:{adjectives} )?(?:{nouns}|{things}) |{one(agreement._ADVERBS)} )*"
    return re.compile(f"the {nouns} {phrase}(?:is|are) {one(agreement._MOODS)} and {phrase}(?:he|she|they)")


def _sentence(answer):
    """The words of a sentence, up to the pronoun."""
    if type(answer) in (list, tuple) and all(type(word) is str for word in answer):
        answer = " ".join(answer)
    if type(answer) is not str:
        raise Refused("no text", "A sentence is needed, a text such as 'the king is sad and he'.")
    words = answer.casefold().replace(".", " . ").replace(",", " ").split()
    if unknown := [word for word in words if word not in agreement.Agreement().symbols]:
        raise Refused("a word it does not know", f"The reader has never seen the word {unknown[0]!r}.")
    pronouns = [k for k, word in enumerate(words) if word in agreement._PRONOUNS]
    if not pronouns:
        raise Refused(
            "no pronoun", "There is no pronoun in it. Write on until he, she or they has been said."
        )
    return words[: pronouns[0] + 1]


def _about(words):
    """Whether the subject is plural, and whether it is feminine."""
    group = next(k for k, nouns in enumerate(agreement._NOUNS) if words[1] in nouns)
    return group % 2 == 1, group > 1


def _fits(words):
    plural, feminine = _about(words)
    return words[-1] == ("they" if plural else "she" if feminine else "he")


def _read(words):
    """Which verb and which pronoun the reader prefers where they stand."""
    from ...course import reader

    model, task = reader.load(), reader.language()
    p = model.predict(task.encode(" ".join(words))[:, None])[:, 0]
    (is_, are), (he, she, they) = task.verb_words, task.pronoun_words
    at = next(k for k, word in enumerate(words) if word in agreement._VERBS) - 1
    verb = "are" if p[at, are] > p[at, is_] else "is"
    said = p[len(words) - 2]
    pronoun = "they" if said[they] > said[he] + said[she] else "she" if said[she] > said[he] else "he"
    return [verb, pronoun]


exercise(
    "08.7",
    "Lead the reader astray",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        (
            "In training, at most four words stood between a subject and its verb, and four between "
            "*and* and the pronoun. What happens when there are more?"
        ),
        (
            "Nouns distract more than adverbs do. Which nouns would speak for another pronoun than the "
            "right one?"
        ),
        (
            "Number breaks first. Take a singular subject, and put plural nouns of the other gender "
            "between *and* and the pronoun, three phrases of them."
        ),
    ),
    judge=Behaviour(
        _sentence,
        (
            Rule(
                "no sentence of the language",
                (
                    "That is not built as the sentences of the language are: the SUBJECT [distractors] "
                    "is|are MOOD and [distractors] he|she|they. A distractor is an adverb, or such as 'near "
                    "the old king' or 'seen by the nuns'."
                ),
                lambda words: _grammar().fullmatch(" ".join(words)),
            ),
            Rule(
                "the verb does not fit",
                "Your verb does not fit your subject: the sentence itself is wrong.",
                lambda words: ("are" in words) == _about(words)[0],
            ),
            Rule(
                "the pronoun does not fit",
                "Your pronoun does not fit your subject: the sentence itself is wrong.",
                _fits,
            ),
            Rule(
                "too long",
                f"It has more than {LONGEST} words up to the pronoun. Find a shorter one.",
                lambda words: len(words) <= LONGEST,
            ),
            Rule(
                "read well",
                "The reader is right about the verb and about the pronoun. Distract it more.",
                lambda words: _read(words) != [next(w for w in words if w in agreement._VERBS), words[-1]],
            ),
        ),
        praise=(
            "The reader prefers the wrong word here. It was right in all test rows, and those were "
            "built like the training rows: a test says little about what lies outside it."
        ),
    ),
)
