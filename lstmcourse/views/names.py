r"""Names as they are set: `named` parses one of a graph into a `Name`, `pieces` divides a label.

named("g", "t-1", {"g": r"\tilde{C}"}).label      one line, of which `indexed` makes HTML
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ACCENTS", "GREEK", "SCRIPT", "Name", "index", "indexed", "named", "pieces", "spoken"]

GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi "
        "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
) | {"varphi": "φ", "varepsilon": "ε", "ell": "ℓ"}
SCRIPT = {"L": "ℒ", "H": "ℋ"}
ACCENTS = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7"}


@dataclass(frozen=True)
class Name:
    """A variable as it is set: letter, index below, index above."""

    letter: str
    below: str = ""
    above: str = ""

    @property
    def width(self) -> float:
        """About how wide it is, in multiples of the size of the type."""
        plain = len(self.letter.translate(_NOACCENTS))
        return 0.62 * plain + 0.4 * max(len(self.below), len(self.above))

    @property
    def label(self) -> str:
        """On one line, the index behind an underscore: ``C_{t-1}``; what `pieces` divides again."""
        below = self.below.replace("−", "-")
        return self.letter + ("" if not below else f"_{below}" if len(below) == 1 else f"_{{{below}}}")

    @property
    def spoken(self) -> str:
        """In plain letters: ``C tilde_t``."""
        text = self.plain.replace("−", "-").replace("ı", "i")
        for word, mark in ACCENTS.items():
            text = text.replace(mark, f" {word}")
        return text

    @property
    def plain(self) -> str:
        """As text: ``C_t``."""
        return (
            self.letter + (f"^{self.above}" if self.above else "") + (f"_{self.below}" if self.below else "")
        )


_NOACCENTS = {ord(a): None for a in ACCENTS.values()}


def named(name: str, when: str = "t", letters: Mapping[str, str] | None = None) -> Name:
    r"""Set a name of the graph in the paper's letters.

    Examples
    --------
    >>> named("g", "t", {"g": r"\tilde{C}"}).plain == "C\u0303_t"
    True
    >>> named("enc.k2", "t-1").plain
    'k^enc_2,t−1'
    """
    scope, _, local = name.rpartition(".")
    letter = (letters or {}).get(local, (letters or {}).get(name, local))
    letter = re.sub(
        r"\\(mathrm|mathcal)\{(\w+)\}", lambda m: SCRIPT.get(m[2], m[2]), letter.replace(r"\imath", "ı")
    )
    letter = re.sub(r"\\(log) ?", r"\1 ", letter).replace("^2", "²")
    letter = re.sub(r"\\([A-Za-z]+)", lambda m: GREEK.get(m[1], m[0]), letter)
    letter = re.sub(r"\\(\w+)\{(\w+)\}", lambda m: m[2] + ACCENTS.get(m[1], ""), letter)
    letter = letter.replace("\\", "").replace("{", "").replace("}", "")
    letter, _, power = letter.partition("^")
    head, _, tail = letter.partition("_")
    numbered = re.fullmatch(r"([^\W\d]+)(\d+)", head)
    if numbered and not tail:
        head, tail = numbered.groups()
    head = GREEK.get(head, head)
    below, above = (index(tail), when.replace("-", "−")), (power, scope)
    return Name(head, ",".join(filter(None, below)), ",".join(filter(None, above)))


def index(text: str) -> str:
    """Set what follows the first underscore of a name: Greek letters as such, parts divided by commas.

    >>> index("mu_x"), index("beta"), index("ff")
    ('μ,x', 'β', 'ff')
    """
    return ",".join(GREEK.get(part, part) for part in text.split("_") if part)


# The text alternative


# Labels: letters with an index, ``f_t · C_{t-1}``


def pieces(label: str) -> list[tuple[str, str]]:
    """Divide a label into letters and their indices.

    before: ``f_t · C_{t-1}``
    after:  ``[("f", "t"), (" · C", "t−1")]``

    >>> pieces("f_t · C_{t-1}")
    [('f', 't'), (' · C', 't−1')]
    """
    found = re.findall(r"([^_]*)(?:_(?:\{([^}]*)\}|([^\W_])))?", label)
    return [(text, (a or b).replace("-", "−")) for text, a, b in found if text or a or b]


def indexed(label: str) -> str:
    """Return a label as HTML.

    >>> indexed("C_{t-1}")
    'C<sub>t−1</sub>'
    """
    return "".join(html.escape(t) + (f"<sub>{html.escape(i)}</sub>" if i else "") for t, i in pieces(label))


def spoken(label: str) -> str:
    """Return a label as plain words.

    >>> spoken("f_t · C_{t-1}")
    'f t · C t−1'
    """
    return "".join(f"{text} {index}".rstrip() for text, index in pieces(label))
