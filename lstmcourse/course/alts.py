"""What the figures of the lessons show, in words, for those who do not see them: by the figure's number.

No measured digits that differ between machines: these texts are compared when notebooks are verified.
"""

from __future__ import annotations

__all__ = ["ALTS"]

ALTS: dict[str, str] = {
    "01-1": (
        "Without the loop: the bound for single frames. With it: most of the way to the bound for all frames."
    ),
    "01-2": (
        "How far the states are apart: zero before the word that differs, then several units differ, most "
        "of all at the end."
    ),
    "01-3": (
        "The recurrent network gains with length. The window gains little, and stays just below the best "
        "that three frames allow."
    ),
    "02-1": "A language: near 1 at both gaps. The right one: near 1 at gap 5, at chance at gap 60.",
    "02-2": (
        "Of five runs at each of three learning rates, four or five learn gaps up to 15, one or two "
        "a gap of 20, and none a gap of 30 or more."
    ),
    "02-3": "That a language comes is certain at every gap; which one, only at short gaps.",
    "02-4": (
        "Below σ = 1 gradients fall at least as fast as the bound; at 1.2 slowly; at 1.5 they grow. With "
        "noise as input, the network with σ = 1 loses them far faster than with sentences."
    ),
    "02-5": "From σ = 1.2 all five runs learn a gap of 40, one learns 80 and none 160; from σ = 1 none does.",
    "02-6": (
        "Set by hand, the gradient falls by a factor of about 30 at each step; untrained, to about a "
        "sixth in twenty."
    ),
    "02-7": (
        "At gaps of 80 and 160 all five relu networks, which start from the identity, are right; both tanh "
        "networks guess, but for one run from σ = 1.2 at each."
    ),
    "03-1": (
        "Plain network: right at 10, partly at 20, chance from 40 on. LSTMs with forget bias 0 or 1 fall "
        "to chance earlier. With forget bias 5 all succeed at 10 and 40, most at 20, two of five at 80, "
        "none at 160."
    ),
    "03-2": (
        "Updates until the link is learnt, ten seeds each. Forget bias 1: eight stand at 1,500, not learnt, "
        "and two at about 600. Biases 3 and 5: all are below 800."
    ),
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
    "04b-3": (
        "Over sixty updates, on logarithmic scales. The gradient at the country falls: at bias 1 from 0.1 "
        "to below a thousandth, at bias 5 from above 1, less far. The slope of tanh falls at both."
    ),
    "05-2": (
        "A dot for each of ten networks. Untrained ones keep about 0.38 in both places. Trained ones keep a "
        "median of 0.7 within a sentence, and 0.01 across its end; single networks differ widely."
    ),
    "05-3": (
        "Gender right in ten networks. Held open at stop, the and subject: 0.5 to 0.75. Over three words "
        "inside the sentence: nearly all at 1, two at 0.83 right after the subject, one at 0.55 at the verb."
    ),
    "06-2": (
        "A dot for each of ten networks. The median input gate stands at 0.84 at subjects for gender, 0.56 "
        "at distractors; for number 0.93 and 0.55. The ranges overlap."
    ),
    "06-3": (
        "With the input gate shut at the subject, shares right range from a guess to nearly 1, for verbs and "
        "for gender. Shut at the word before or after it, most are near 1."
    ),
    "07-1": (
        "In the first sentence the balance is a little below 0 before the verb, then positive entries, "
        "one after another, lift it. At the full stop nothing is kept. In the second sentence negative "
        "entries after the subject bring the balance below 0, where it stays."
    ),
    "07-2": (
        "Mean of C in the second sentence. Before the verb, feminine and masculine subjects are both "
        "below 0, plural ones above. After the verb the feminine line rises above 0, the masculine one "
        "stays below, the plural one climbs to 7. All end near 0."
    ),
    "07-3": (
        "Twelve steps of the reader's own unit: values of 1 and -1, marks at three of them, and its cell "
        "state."
    ),
    "08-1": (
        "The output gate is low at the first words of the gap, and near 1 just before the verb, at the "
        "mood and just before the pronoun. Shown before the verb: plural near 0.9, both singular kinds "
        "near -0.7 and -0.95. Before the pronoun: feminine near 0.9, masculine near -0.9."
    ),
    "08-2": (
        "A dot for each of ten networks. The median output gate is more open at the word before the answer, "
        "0.88 for both properties, than at the other words, 0.63 and 0.57. The ranges overlap."
    ),
    "09b-1": (
        "On single strings all three cells are right. On the stream, going on, all runs are above 0.9. From "
        "zeros one run of 1997 falls to 0.54, and one with f held at 1 to 0.83; with a forget gate all stay "
        "above 0.9."
    ),
    "09b-2": (
        "Going on, all runs are above 0.9. With all states held, the cell of 1997 and the LSTM with f held "
        "at 1 are right as often as before; with a forget gate about 0.2 is left."
    ),
    "09b-3": (
        "Adding: plain network at a guess, LSTM at 0.94. Copy: both near a guess, up to 0.51. Temporal "
        "order: plain network near a guess, LSTM at 1 in all seeds. Embedded Reber: both at 1."
    ),
    "09b-4": (
        "Both networks fall with training, and the LSTM is ahead, by less the longer they are trained; after "
        "5,000 steps both stand at about 2.1 bits, where the best n-gram model stands. xz is lower, below "
        "1.8."
    ),
    "10-1": (
        "Over 40 steps the cell state climbs like a staircase to 1 and falls back, four times. The output "
        "gate and the hidden state are 0, but at steps 10, 20, 30 and 40."
    ),
    "10-2": (
        "Share of forty seeds that have solved the task, against updates, in bands of exact intervals. "
        "Measure: both cells climb alike, to a half at 450 updates and to 1. Generate: the LSTM is at 0.95 "
        "after 600 updates, and at 1 in the end; with peepholes it is at 0.6 by then, and ends at 0.9."
    ),
    "10-3": (
        "Exact delays of 20. LSTM: most of forty dots at 20, the others from 4 to 18, the median at 20. "
        "Peepholes: most dots between 0 and 8, the median at 3; one at 13, five at 20."
    ),
    "11-1": (
        "The LSTM's cell state climbs in equal steps from 0 to 20. The coupled one climbs towards 1 in "
        "steps that become smaller and smaller, and ends at 0.88."
    ),
    "11-2": (
        "1 - f is high at the full stop and at the word after it, at and, and at the before boy; there i "
        "is low. At both subjects i is high. It is high as well at kings, boy, she and slept, where 1 - f "
        "is low."
    ),
    "11-3": (
        "A dot for each of 32 units. Before training they lie from -0.3 to 0.4 around 0. After training "
        "they lie from -0.9 to 0.6, and the median at -0.1; twelve are below -0.3. For gates of two "
        "different units they spread about as far to both sides."
    ),
    "11-4": (
        "Counting, share right. LSTM: from 0.74 to 0.92. LSTM with i from 0.27: from 0.71 to 0.91. Coupled "
        "gates: all from 0.94 to 0.99."
    ),
    "11-5": (
        "Adding, share right. LSTM: from 0.2 to 0.75, median 0.6. LSTM with i from 0.27: from 0.4 to 0.9, "
        "median 0.74. Coupled gates: all from 0.97 to 1."
    ),
    "11-6": (
        "Both answers follow the count up to about 20 marks and then stay behind. Of the unit that moves "
        "the answer most, the cell state and its tanh move within a small range and level off."
    ),
    "12-1": (
        "Share right, a dot for each of five seeds. Adding: LSTM 0.76 to 1, GRU 1. Copy: LSTM 0.26 to "
        "0.51, GRU 0.77 to 0.85. Order: both 1."
    ),
    "12-2": (
        "z is high at queen and at king, and below 0.1 from near to kings, where h stays at about -0.7. r is "
        "below 0.2 there."
    ),
    "12-3": (
        "Least share right of five trained GRUs. As trained 1; r at its mean 0.71 to 1; r held at 1, 0.54 to "
        "0.90; z at its mean about one half."
    ),
    "12-4": (
        "Rank correlations in five networks. Span and mean z: -0.79 to -0.91 trained, -0.08 to -0.28 before. "
        "Span and resets: about 0, trained or not."
    ),
    "13-1": (
        "On a logarithmic axis, the plain stack falls from 7 with one layer to 0.5 with six. With depth "
        "gates, with gates held at 0.5 and in a residual stack the norm rises slowly, to between 11 and 13."
    ),
    "13-2": (
        "Updates until right, a dot for each of fifteen runs. With depth gates 100 to 350, two runs 725 and "
        "800, two never; gates held at 0.5, 75 to 325; residual stack, 50 to 225; plain stack, 175 to 825, "
        "and five runs never."
    ),
    "14-1": (
        "A table of four periods against the steps 0 to 16. Period 1 computes at every step, 2 at every "
        "other, 4 at every fourth, 8 at steps 0, 8 and 16, where all four compute."
    ),
    "14-2": (
        "The mask of eight units in four modules of two. Blocks on the diagonal and below it are 1, above "
        "it 0: the slowest two units, in the last rows, feed all others."
    ),
    "14-3": "One wave of 320 samples: slow swings with faster ripples on them, between −1 and 1.",
    "14-4": (
        "The wave and what three networks write. The plain network: a flat line. The LSTM: a coarse "
        "outline of a part of it. The clockwork network: nearly the wave."
    ),
    "14-5": (
        "Normalised error against 250, 500 and 1,000 parameters, both scales logarithmic. The plain "
        "network stays near the line of the mean, the LSTM lies below it in a wide band, the clockwork "
        "network far below both at every size."
    ),
    "14-6": (
        "Boxes in a row, T = 1, 2, 4 and 8. Arrows lead from each box to all boxes with shorter periods, "
        "and from each to itself; none leads to a longer period."
    ),
    "14-7": (
        "Wrong answers to who speaks, ten seeds each. All lie between 2 and 7 percent, the clockwork "
        "network's at the low end."
    ),
    "14-8": (
        "Wrong answers to who spoke first, ten seeds each. The plain network: 63 to 82 percent. Both LSTMs "
        "and the clockwork network: 5 to 14 percent, the clockwork network's about 10."
    ),
    "14-9": (
        "Loss against the learning rate. The plain network stays near the top. The clockwork network is low "
        "from 0.003 to 0.1. The LSTM falls steeply to its lowest at 0.03, and rises at 0.1."
    ),
    "14b-1": "Times of the programs, from the plain one to the compiled one, and of NumPy's products alone.",
    "15-1": (
        "Share of utterances named wrongly, ten trials each. The clouds of all nine variants overlap, at "
        "0.02 to 0.11."
    ),
    "15-2": (
        "Nats above the best possible, ten trials each, from 0.02 to 0.64. The clouds overlap. NOG's lies "
        "lowest and closest together; NIAF's, NFG's and NP's medians are the highest."
    ),
    "15-3": (
        "Marks by which the count is off, ten trials each, from 0.3 to 1.9. The clouds overlap; CIFG's "
        "and NIAF's medians are the highest."
    ),
    "15-4": (
        "Differences from V on speakers. All eight intervals cover 0 and are about as wide as the band or "
        "narrower; most lie inside it."
    ),
    "15-5": (
        "Differences from V on strings. All eight intervals are wider than the band, those of NFG, NIG "
        "and NOG leave out 0."
    ),
    "15-6": (
        "Differences from V on counting. All eight intervals are wider than the band; only CIFG's leaves "
        "out 0."
    ),
    "15-7": (
        "Shares of the variance on three tasks. The rate explains 0.33 to 0.51, pairs about 0.27, units "
        "or noise up to 0.15, the variant less than 0.05."
    ),
    "15-8": (
        "Differences from V on speakers, at one setting each. All means are below 0, and six intervals "
        "lie well below it."
    ),
    "15-9": (
        "Differences from V on strings, at one setting each. NOG, NIAF, CIFG, NP and FGR lie inside the "
        "band near 0, NIG and NFG at 0.04. NOAF's interval reaches from 0.2 to 0.8."
    ),
    "15-10": (
        "Differences from V on counting, at one setting each. CIFG lies far outside the band at 0.7; the "
        "others lie near 0, and some reach over an edge of the band."
    ),
    "15-11": (
        "Fitness of the 20 fittest candidates. In the search from 1.04 to 1.07; the same 20 again from 0.95 "
        "to 1.02, with a median at 1, where the LSTM lies, too."
    ),
    "15-12": (
        "Share right of what was found minus another cell's, with intervals, over a band of 0.02. Minus the "
        "GRU: near 0 on speakers, order and film, -0.05 on copy. Minus the LSTM: 0.02 on speakers, 0.13 on "
        "order, near 0 on film, -0.1 on copy."
    ),
    "16-1": (
        "BLEU against one to five clauses. With attention nearly 100 up to three clauses, but for one "
        "network at 81, then 55 to 80 and 42 to 61. With one vector about two thirds at one clause, below "
        "30 from two on; with three times the steps 87, then 50, then below 30."
    ),
    "16-2": (
        "Shares of unseen words without a mistake, three networks a row. With attention 0.59 to 0.60, "
        "through one vector 0.43 to 0.45."
    ),
    "16-3": (
        "A picture of 4 by 4 places, once for each word of its caption. At each colour and each shape the "
        "frame is on the object."
    ),
    "16-4": (
        "Shares of captions without a mistake, three networks a row. Soft attention 0.98 to 0.99, hard 0.59 "
        "to 0.79, the mean of all places 0.25 to 0.31."
    ),
    "16-5": (
        "Left: multiplications against length, both scales logarithmic; self-attention starts below the "
        "gated unit, crosses it near 200 and ends far above. Right: the gated unit's waiting steps grow "
        "with the length, self-attention's stay at one."
    ),
    "17-1": (
        "Loss against updates. The LSTM falls to nearly 0 within 150 updates. ReLU stays at the loss of "
        "guessing, and tanh stays far above 0."
    ),
    "17-2": (
        "Loss against updates, at a tenth of the rate. ReLU falls to nearly 0 within 150 updates; tanh "
        "falls slowly."
    ),
    "17-3": (
        "How many of five starts were learnt, against the learning rate. With 24 layers every kind has "
        "rates at which four or five are learnt; the LSTM's reach higher than those of tanh and ReLU. "
        "With 48 layers the residual line learns all five at four rates, LSTM and ReLU four at their "
        "best, tanh two."
    ),
    "17-4": (
        "Share right, one dot for each of five starts. On rows trained on, all three are near 1 with 8 "
        "bits; with 10 and 12 bits the LSTM stays there; two starts of tanh guess with 10 bits, all five "
        "with 12, and one of ReLU. On rows held out, with 8 bits: ReLU 0.1 to 0.3, LSTM 0.5 to 1, tanh "
        "near 1; with 10 and 12 bits as in training."
    ),
    "17-5": (
        "Share of sums right in every figure, five dots each. Grid: two starts at 0.93 and 0.96, three near "
        "0.1. Without the belt upwards: all five at 0.97 to 0.99. Stack: all five near 0.1."
    ),
    "17-6": (
        "A picture of 8 by 8 fields. Thirteen fields are crossed out. Most others are shaded, down to the "
        "lower right; a few open ones at the top right and in the middle are not."
    ),
    "17-7": (
        "Share of pictures right in every field, five dots each. Lattice: 1.0 on 8 by 8, 0.98 to 1.0 on "
        "16 by 8. Rows: 0.2 to 0.4, then 0.1 to 0.2. Rows with ten times the weights: 0.5 to 0.6, then "
        "0.2 to 0.3."
    ),
    "17-8": (
        "A corridor in steps from the top left to the bottom right, shaded. Open fields at the bottom "
        "left and left of the corridor's end are not."
    ),
    "19-1": (
        "Dots for fourteen cells. Plain network, LSTM, peephole LSTM and minLSTM lie at 20, coupled gates "
        "at 50, mLSTM at 10 to 50, sLSTM at 50 to 200, GRU at 200 to 1,000, minGRU and the clockwork network "
        "at 500 to 1,000, self-attention at 200, 500, and 1,000 in three seeds."
    ),
    "19-2": (
        "Dots for fourteen cells. Plain network and clockwork network at none, ReLU network at none or 10. "
        "LSTM, peephole, depth-gated LSTM and the cell of 1997 at 10 to 50, mLSTM at 50 to 200. Coupled "
        "gates and minLSTM at 50 to 1,000, minGRU and sLSTM at 500 and 1,000, GRU at 1,000, self-attention "
        "at 50, 500, and 1,000 in three seeds."
    ),
    "19-3": "Six lags against five seeds. Lags 10 to 200 are learnt by all five seeds, 500 by three.",
    "19-4": (
        "Influence against k, on a logarithmic scale. The ReLU network's stays at 1. The others fall "
        "along straight lines: the plain network's slowest, then LSTM and sLSTM, the GRU's fastest, to "
        "1e-13 at k = 100."
    ),
    "19-5": (
        "Influence against k before and after 200 updates. The sLSTM's ends near 1 at k = 100, where it "
        "was 1e-7. The LSTM's falls as steeply as before, or more."
    ),
    "19-6": (
        "Bias 0: none in four seeds, 10 in one. Bias 1: 20 in four, 10 in one. Bias 5: 20 in all five. "
        "Chrono: 20, 200, and 1,000 in three."
    ),
    "20-1": (
        "Bits per character of counts fall from 4.4 without context to about 1.66 with 20 characters; "
        "lines mark four compressors and, just above the end of the counts, the network."
    ),
    "20-2": (
        "The cost per character falls steeply over the first 50 characters and then levels off near 1.7 bits."
    ),
    "20-3": (
        "Bits per character, three dots for each of ten recipes in order of their medians, from the GRU "
        "at 2.5 to min-char-rnn above 3.6. One run of the LSTM and one of MUT1 lie far behind the other "
        "two."
    ),
    "18-1": (
        "Two sounds of ten frames, 80 samples each: waves that jump now and then to another pitch and "
        "loudness."
    ),
    "18-2": (
        "Correlations of the 8 samples of a frame. Next to the diagonal they are positive, two or three "
        "places away from it negative, and farther away mixed."
    ),
    "18-3": (
        "Three curves against the mean of the posterior. All touch log p(x) at 0.8 and fall off on both "
        "sides; the more samples, the closer they stay."
    ),
    "18-4": "Left three sounds, right three that the network made: waves too, but rougher.",
    "18-5": (
        "Nats a frame, five dots for each of six networks. One Gaussian is worst, at about 5. VRNN and "
        "STORN lie three to four nats lower, VRNN with a rising price and the mixture of 20 lower still. "
        "Sample by sample is best."
    ),
    "18-6": (
        "Bound and price of the VRNN against the learning rate. At the highest rate the price is 0 and "
        "the bound at 5 nats, in all five seeds."
    ),
    "18-7": "Ten digits come about in eight steps, from one blur.",
    "18-8": "Ten drawings, each above its nearest training picture. They are alike, and no two are the same.",
    "18-9": "Three waves: as drawn; next to silence; as drawn up to frame 10, and smaller from there on.",
    "18-11": "Nats a picture, three dots each: DRAW with whole pictures at 42, with windows at 42 to 46.",
    "18-12": "Four digits, and below them four times the same blur.",
    "18-13": "Six drawings turn into six others.",
    "21-1": "A map of 12 coefficients against the frames of one utterance. Each coefficient changes slowly.",
    "21-2": "Share of utterances named rightly. The dots of all three cells lie between 0.93 and 0.99.",
    "21-3": (
        "The share right starts near a third at the first frame and rises steadily over fifteen frames, "
        "to nearly 1."
    ),
    "21-4": "Share named rightly, in order and shuffled. Shuffled, each cell loses about a tenth.",
    "21-5": "Steps kept up against generations. Mean and best of 64 rise, in leaps, from about 30 steps.",
    "21-6": (
        "Steps kept up by four kinds of drivers. Three kinds reach 500 steps; the one that sees positions "
        "alone and has no memory stays at about 140."
    ),
    "21-7": (
        "Nats a note. LSTM, plain network and counts of 12 notes lie close together, from 0.44 to 0.48; "
        "counts of 8 and of 4 notes lie a little higher, counts of 16 at 0.50."
    ),
    "21-8": (
        "Nats a chord, over eight chords. At chords 5 and 6 the composer lies well below the forgetful "
        "floor, a little above the best possible."
    ),
    "21-9": (
        "Nats a chord of six networks on Bach's chorales. The LSTM that reads note by note lies lowest by "
        "far, at 5.9 to 6.0; VRNN and STORN follow, from 8.0 to 8.6, then GRU, LSTM and plain network, from "
        "8.8 to 9.8."
    ),
    "22-1": (
        "Share of right answers of plain network and LSTM on five tasks. On adding and temporal order the "
        "LSTM is far ahead, on the others the two overlap."
    ),
    "22-2": (
        "Dots for eight cells, on a logarithmic scale: plain network, LSTM and minLSTM near 20 steps, mLSTM "
        "10 to 50, sLSTM 50 to 200, GRU 200 to 1,000, minGRU 500 to 1,000, self-attention 200, 500, and "
        "1,000 in three seeds."
    ),
}
