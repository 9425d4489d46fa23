"""Store what sacrebleu, where it is installed, says of some sentences.

python tests/data/make_bleu_reference.py
"""

import json
import random
from pathlib import Path

WORDS = "the cat dog sees a small red house and not behind".split()


def spoilt(rng, sentence, share):
    out = []
    for word in sentence:
        u = rng.random() / share
        out += [rng.choice(WORDS)] if u < 1 else [] if u < 1.3 else [word, word] if u < 1.6 else [word]
    return out


def scored(hypotheses, references):
    sides = [[" ".join(words) for words in side] for side in (hypotheses, references)]
    import sacrebleu

    score = {}
    for order in (2, 4):
        metric = sacrebleu.BLEU(tokenize="none", smooth_method="none", force=True, max_ngram_order=order)
        score[str(order)] = metric.corpus_score(sides[0], [sides[1]]).score
    return {"hypotheses": sides[0], "references": sides[1], "bleu": score}


def main():
    import sacrebleu

    rng, cases = random.Random(1), []
    for share, n in ((0.1, 5), (0.3, 8), (0.5, 30), (0.05, 3)):
        references = [[rng.choice(WORDS) for _ in range(rng.randint(3, 14))] for _ in range(n)]
        cases.append(scored([spoilt(rng, r, share) for r in references], references))
    long = "the cat sees the dog behind the house".split()
    cases += [scored([long[:5]], [long]), scored([["the"] * 7], [long]), scored([long, []], [long, long[2:]])]
    found = {"sacrebleu": sacrebleu.__version__, "cases": cases}
    Path(__file__).with_name("bleu.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
