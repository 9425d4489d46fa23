"""What the figures of the lessons show, in words, for those who do not see them: by the figure's number.

No measured digits that differ between machines: these texts are compared when notebooks are verified.
"""

from __future__ import annotations

__all__ = ["ALTS"]

ALTS: dict[str, str] = {
    "04-1": "Over 100 steps the cell state is a level line at 2; the hidden state moves up and down.",
    "04-2": (
        "The gate goes from 0 to 1 in an S. Its slope, on a logarithmic scale, is greatest in the middle "
        "and falls along straight lines to both sides."
    ),
    "04-3": (
        "With forget gate open and input gate shut there is no error. With the input gate open it is "
        "several times the value itself. With a forget gate of 0.9 it is as large as the value."
    ),
    "04b-1": (
        "At forget bias 5 the belt alone keeps more than half of the gradient over 60 steps, and all ways "
        "together let it grow. At bias 1 the belt alone loses it about as fast as the plain network; all "
        "ways together lose it more slowly."
    ),
    "04b-2": (
        "On a logarithmic scale, what the belt keeps falls along straight lines, steeply at bias 0 and "
        "hardly at bias 5. The differences of two runs follow the belt at first; then they leave it: at "
        "bias 2 they level off, at bias 5 they rise."
    ),
    "09b-1": (
        "On single strings all three cells are right. On the stream, going on, the cell of 1997 and the "
        "LSTM with f held at 1 have medians of 0.99, with single runs down to 0.5; from zeros, medians of "
        "0.82 and 0.70. With a forget gate all runs are above 0.9 in both tests."
    ),
    "09b-2": (
        "Going on, the cell of 1997 and the LSTM with f held at 1 have medians of 0.99, and the same with "
        "all states held but for one run of the latter. With a forget gate: near 1 going on, about 0.2 "
        "with states held."
    ),
    "09b-3": (
        "Adding: plain network at a guess, LSTM at 0.85. Copy: both near a guess, up to 0.48. Temporal "
        "order: plain network at a guess, LSTM at 1 in four of five seeds. Embedded Reber: both at 1."
    ),
    "09b-4": (
        "Both networks fall with training, the plain one faster at first; after 5,000 steps both stand at "
        "about 2.15 bits, where the best n-gram model stands. xz is lower, below 1.8."
    ),
    "14b-1": "Times of the programs, from the plain one to the compiled one, and of NumPy's products alone.",
}
