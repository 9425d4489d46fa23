"""Translation: both languages are read by rules written here, and the numbers are counted."""

import re
from collections import Counter

import numpy as np
import pytest

from lstmcourse.errors import ShapeError, UnknownNameError
from lstmcourse.tasks import Translation

# A French reader's dictionary: of each noun its gender, number and English; of the others likewise.
NOUNS = dict(
    line.split(maxsplit=1)
    for line in """maison f s house;chat m s cat;chien m s dog;voiture f s car;livre m s book;table f s table;
jardin m s garden;vache f s cow;canard m s duck;poule f s hen;hôtel m s hotel;ville f s city;arbre m s tree;
école f s school;oiseau m s bird;hibou m s owl;étoile f s star;cheval m s horse;pomme f s apple;loup m s wolf;
île f s island;église f s church;maisons f p houses;chats m p cats;chiens m p dogs;voitures f p cars;
livres m p books;tables f p tables;jardins m p gardens;vaches f p cows;canards m p ducks;poules f p hens;
hôtels m p hotels;villes f p cities;arbres m p trees;écoles f p schools;oiseaux m p birds;hiboux m p owls;
étoiles f p stars;chevaux m p horses;pommes f p apples;loups m p wolves;îles f p islands;
églises f p churches""".replace("\n", "").split(";")
)
BEFORE = {
    "small": "petit petite petits petites",
    "big": "grand grande grands grandes",
    "bad": "mauvais mauvaise mauvais mauvaises",
    "pretty": "joli jolie jolis jolies",
    "old": "vieux vieille vieux vieilles",
}
AFTER = {
    "red": "rouge rouge rouges rouges",
    "black": "noir noire noirs noires",
    "green": "vert verte verts vertes",
    "blue": "bleu bleue bleus bleues",
    "white": "blanc blanche blancs blanches",
    "heavy": "lourd lourde lourds lourdes",
    "famous": "célèbre célèbre célèbres célèbres",
    "round": "rond ronde ronds rondes",
}
VERBS = {"voit": "see", "mange": "eat", "aime": "like", "cherche": "look for", "prend": "take"}
VERBS |= {"suit": "follow", "entend": "hear"}
PLURAL = {"voient": "voit", "mangent": "mange", "aiment": "aime", "cherchent": "cherche", "prennent": "prend"}
PLURAL |= {"suivent": "suit", "entendent": "entend"}
PLACES = {"dans": "in", "sous": "under", "derrière": "behind", "devant": "in front of", "sur": "on"}
VOWEL = re.compile("[aeiouéîhô](?!ibou)")


class Reader:
    """Reads French from left to right, and gives the English; refuses whatever is wrong in it."""

    def __init__(self, text):
        self.words, self.at = text.split(), 0

    def peek(self, k=0):
        return self.words[self.at + k] if self.at + k < len(self.words) else ""

    def take(self):
        self.at += 1
        return self.words[self.at - 1]

    def phrase(self, negated=False):
        determiner, follows = self.take(), self.peek()
        adjective = ""
        if follows not in NOUNS:
            adjective = self.take()
        gender, number, english = NOUNS[self.peek()].split()
        noun = self.take()
        form = 2 * (number == "p") + (gender == "f")
        words = []
        if adjective:
            forms = {english: f.split()[form] for english, f in BEFORE.items()}
            if gender + number == "ms" and VOWEL.match(noun):
                forms["old"] = "vieil"
            (meant,) = [e for e, f in forms.items() if f == adjective]
            words.append(meant)
        after = [e for e, f in AFTER.items() if self.peek() == f.split()[form]]
        if after:
            self.take()
            words += after
        elided = bool(VOWEL.match(follows))
        some = "some" if number == "p" else "a"
        want = {
            "ms": {
                "l'" if elided else "le": "the",
                "un": some,
                "cet" if elided else "ce": "this",
                "mon": "my",
            },
            "fs": {
                "l'" if elided else "la": "the",
                "une": some,
                "cette": "this",
                "mon" if elided else "ma": "my",
            },
        }.get(gender + number, {"les": "the", "des": some, "ces": "these", "mes": "my"})
        if number == "p" and adjective:
            want = {("de" if k == "des" else k): v for k, v in want.items()}
        if negated:
            want = {k: v for k, v in want.items() if v != some}
            want["d'" if elided else "de"] = "any" if number == "p" else "a"
        words = [want[determiner], *words, english]
        if words[0] == "a" and words[1][0] in "aeiou":
            words[0] = "an"
        return words, number

    def clause(self):
        english, number = self.phrase()
        if self.peek() in PLACES:
            english += PLACES[self.take()].split() + self.phrase()[0]
        negated = self.peek() in ("ne", "n'")
        if negated:
            assert (self.take() == "n'") == bool(VOWEL.match(self.peek()))
        verb = self.take()
        assert (verb in PLURAL) == (number == "p")
        meant = VERBS[PLURAL.get(verb, verb)].split()
        if negated:
            assert self.take() == "pas"
            english += ["do" if number == "p" else "does", "not", *meant]
        else:
            english += [meant[0] + "s" * (number == "s"), *meant[1:]]
        return english + self.phrase(negated)[0]

    def sentence(self):
        english = self.clause()
        while self.at < len(self.words):
            word = self.take()
            if word == "parce":
                que = self.take()
                assert que == ("qu'" if self.peek() in ("un", "une") else "que")
            english.append({"et": "and", "mais": "but", "parce": "because"}[word])
            english += self.clause()
        return " ".join(english)


@pytest.mark.parametrize("clauses", [1, (1, 2), (3, 4)])
def test_french_is_read_back_into_the_english_it_came_from(clauses):
    task = Translation(clauses=clauses)
    seen = set()
    for number, (english, french) in enumerate(task.texts(task.batch(batch_size=500))):
        assert Reader(french).sentence() == english
        assert number > 50 or task.translate(english) == french
        seen |= set(french.split())
    assert len(seen) >= len(task.target_symbols) - 6  # all forms but conjunctions are in one clause


def test_the_reader_would_notice():
    for wrong in (
        "la chat voit le chien",
        "le chat voit le rouge chien",
        "le arbre voit le chien",
        "l' hibou voit le chien",
        "le vieux arbre voit le chien",
        "le chat voient le chien",
        "le chat devant les arbres voient le chien",
        "le chat aime des petits chiens",
        "le chat ne aime pas le chien",
        "le chat n' aime pas un chien",
    ):
        with pytest.raises((AssertionError, KeyError, ValueError)):
            Reader(wrong).sentence()


KNOWN = """
the big blue house sees the small dogs
la grande maison bleue voit les petits chiens
this old tree likes this old house
ce vieil arbre aime cette vieille maison
an owl in front of the churches does not look for a heavy island
un hibou devant les églises ne cherche pas d' île lourde
my school sees my star but my small school sees my pretty star
mon école voit mon étoile mais ma petite école voit ma jolie étoile
some old cars follow some cars because a hen follows the owl
de vieilles voitures suivent des voitures parce qu' une poule suit le hibou
these hotels do not like any white horses and this hotel eats the hotel
ces hôtels n' aiment pas de chevaux blancs et cet hôtel mange l' hôtel
"""


def test_cases_known_to_a_french_grammar():
    lines = KNOWN.strip().split("\n")
    for english, french in zip(lines[::2], lines[1::2], strict=True):
        assert Translation().translate(english) == french
        assert Reader(french).sentence() == english


def test_every_word_is_aligned_and_with_a_word_of_its_meaning():
    task = Translation(clauses=(1, 3))
    batch = task.batch(batch_size=300)
    assert batch.alignment.shape == (len(batch.target), 300, len(batch.source))
    meaning = {form: e for table in (BEFORE, AFTER) for e, forms in table.items() for form in forms.split()}
    meaning |= {noun: entry.split()[2] for noun, entry in NOUNS.items()} | {"vieil": "old", "ne": "not"}
    meaning |= {"n'": "not", "pas": "not", "et": "and", "mais": "but", "que": "because", "qu'": "because"}
    meaning |= {"parce": "because"} | PLACES
    for v in (*VERBS, *PLURAL):
        meaning[v] = VERBS[PLURAL.get(v, v)]
    for b in range(300):
        n, m = batch.source_lengths[b], batch.target_lengths[b]
        links = batch.alignment[:, b]
        assert links[: m - 1, :n].any(0).all() and links[: m - 1, :n].any(1).all()
        assert not links[m - 1 :].any() and not links[:, n:].any()
        english = [task.symbols[k] for k in batch.source[:n, b]]
        french = [task.target_symbols[k] for k in batch.target[: m - 1, b]]
        order = []
        for word, row in zip(french, links, strict=False):
            linked = [english[k] for k in np.flatnonzero(row)]
            order += [] if word in meaning else [np.flatnonzero(row)[0]]
            if word in meaning:
                text = " ".join(w for w in linked if w not in ("do", "does"))
                assert (
                    text == meaning[word]
                    or text.replace("s", "", 1) == meaning[word]
                    or text
                    in (
                        meaning[word] + "s",
                        meaning[word].replace("look", "looks"),
                    )
                )
            else:
                assert len(linked) == 1 and linked[0] in (
                    "the",
                    "a",
                    "an",
                    "some",
                    "any",
                    "my",
                    "this",
                    "these",
                )
        assert order == sorted(order)  # determiners keep their order


def test_alignment_of_a_sentence_is_that_of_its_batch():
    task = Translation(clauses=(1, 2))
    batch = task.batch("test", batch_size=40)
    for b, (english, _) in enumerate(task.texts(batch)):
        links = task.alignment(english)
        assert links.shape == (batch.target_lengths[b] - 1, batch.source_lengths[b])
        assert np.array_equal(links, batch.alignment[: links.shape[0], b, : links.shape[1]])


def test_frequencies_and_choices_are_counted_right():
    task = Translation(clauses=(1, 3))
    batch = task.batch("all", batch_size=20_000)
    counts = np.bincount(batch.target[batch.mask], minlength=task.output_size)
    expected = task._frequencies()
    deviation = (counts / 20_000 - expected) / np.sqrt(expected / 20_000)
    assert abs(deviation).max() < 5 and expected.sum() == pytest.approx(batch.target_lengths.mean(), rel=0.01)
    p = counts / counts.sum()
    assert -(p[p > 0] * np.log(p[p > 0])).sum() == pytest.approx(task.chance, abs=0.003)
    assert p.max() == pytest.approx(task.chance_accuracy, abs=0.002)
    assert 0 == task.best < task.without_source < task.chance


def test_loss_without_the_source_in_a_grammar_small_enough_to_be_counted(monkeypatch):
    from lstmcourse.tasks import translation

    # Two nouns, no adjectives, one verb, no place: 2 phrases of 2 x 2 x 4, and a negation: 512 sentences.
    for name, rows in {"_NOUN_EN": 2, "_NOUN_FR": 2, "_VERB_EN": 1, "_VERB_FR": 1}.items():
        monkeypatch.setattr(translation, name, getattr(translation, name)[:rows])
    for name in ("_BEFORE_SHARE", "_AFTER_SHARE", "_PLACE"):
        monkeypatch.setattr(translation, name, 1e-9)
    task = Translation(clauses=1)
    batch = task.batch("all", batch_size=200_000)
    seen = Counter(column.tobytes() for column in np.ascontiguousarray(batch.target.T))
    assert len(seen) == 512
    p = np.array(list(seen.values())) / 200_000
    nats = -(p * np.log(p)).sum() / batch.target_lengths.mean()
    assert nats == pytest.approx(task.without_source, abs=0.003)


def test_a_sentence_occurs_once_in_both_languages_and_in_one_split():
    task = Translation(clauses=1)
    split, french = {}, {}
    for name in ("train", "validation", "test"):
        for english, other in task.texts(task.batch(name, batch_size=1500)):
            assert split.setdefault(english, name) == name
            assert french.setdefault(other, english) == english
    assert len(set(french.values())) == len(split) == len(french)


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("a apple sees the dog", "write 'an apple sees the dog'"),
        ("the cat see the dog", "write 'the cat sees the dog'"),
        ("these cat sees the dog", "write 'this cat sees the dog'"),
        ("the cat do not sees some dogs", "write 'the cat does not see any dogs'"),
        ("the cat sees any dog", "write 'the cat sees a dog'"),
        ("the red small cat sees the dog", "'the' does not begin a clause"),
        ("the cat sees the dog the dog sees the cat", "'the' does not begin"),
        ("and the cat sees the dog", "'and' does not begin"),
        ("", "'' does not begin"),
    ],
)
def test_what_is_no_sentence_is_refused(sentence, says):
    with pytest.raises(ValueError, match=says):
        Translation().translate(sentence)


def test_bad_targets_are_refused():
    task = Translation()
    with pytest.raises(UnknownNameError, match="no symbol 'chats,': did you mean 'chats'"):
        task.encode_target("les chats,")
    with pytest.raises(ShapeError, match=r"batch\.target\[:, b\]"):
        task.decode_target(np.zeros((3, 2), int))
    with pytest.raises(ShapeError, match=r"\(3, 2\).*B = 4"):
        task.exact(np.zeros((3, 2), int), task.batch(batch_size=4))
