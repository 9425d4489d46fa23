"""Make the font of the slides' formulas from TeX Gyre Pagella Math: the letters and signs that lessons use.

::

    python -m tools.math_font /usr/share/texmf/fonts/opentype/public/tex-gyre-math/texgyrepagella-math.otf

The file comes with Debian's package fonts-texgyre-math. Its licence asks that what is derived from it has
another name: the font is called Course Math.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path

from fontTools import subset

TO = Path(__file__).resolve().parent.parent / "lstmcourse/teaching/slides/shipped/math.woff"
NAME = "Course Math"
SIGNS = "ΓΔΘΛΞΠΣΦΨΩαβγδεζηθικλμνξοπρςστυφχψωϵϑ±·×ıˆ˜‖′ℒℓ←→↦∂∇∈∏∑−∗∘√∝∞∣∥∧∨∫∼≈≠≡≤≥≪≫⊙⊕⊗⊤⊥⋅⋮⋯…𝒩𝒟𝒰𝔼ℝℕ𝚤ℎ⟨⟩⌊⌋"
ITALIC = [*range(0x1D434, 0x1D468), *range(0x1D6FC, 0x1D71C)]  # Latin, and small Greek, without the h


def main() -> None:
    """Write the font."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("font", type=Path, help="texgyrepagella-math.otf, version 1.632")
    options = subset.Options(
        flavor="woff",
        hinting=False,
        layout_features=[],
        name_IDs=["*"],
        notdef_outline=True,
        glyph_names=False,
    )
    options.drop_tables += ["FFTM"]
    font = subset.load_font(parser.parse_args().font, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=string.printable + SIGNS, unicodes=ITALIC)
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6, 16):
            record.string = NAME.replace(" ", "") if record.nameID == 6 else NAME
    font["CFF "].cff.fontNames = [NAME.replace(" ", "")]
    subset.save_font(font, TO, options)
    print(f"{TO.name}: {TO.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
