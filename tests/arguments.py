"""Arguments of `unroll` for any cell, the tests' own included."""

import numpy as np
from checking import random_params
from test_acceptance import SIZES

KNOWN = {"toy": SIZES["toy"], "attention": SIZES["attention"], "mixed": {"K": 3, "L": 2, "A": 4, "N": 5}}


def drawn(cell, dtype=np.float64, T=5, B=3, D=2, H=4, given=False, seed=0):
    """Arguments of unroll for any cell."""
    rng = np.random.default_rng(seed)
    sizes = next((KNOWN[k] for k in KNOWN if k in cell.name), {})
    more = {"sizes": sizes} if sizes else {}
    params = random_params(cell, rng, 0.4, input_size=D, hidden_size=H, **more)
    known = {"D": D, "H": H} | sizes

    def array(*lead, shape):
        return rng.standard_normal((*lead, *(known[str(d)] for d in shape))).astype(dtype)

    inputs = {}
    for i in cell.inputs[1:]:
        if i.kind in ("static", "noise", "sequence"):
            lead = (B,) if i.kind == "static" else (T, B)
            inputs[i.name] = array(*lead, shape=i.shape)
    state = None
    if given:
        state = {
            s.name: rng.standard_normal((B, *(d.value(known) for d in s.prev.shape))).astype(dtype)
            for s in cell.graph.states
        }
    if cell.inputs[0].kind == "none":
        more = {"steps": T, "batch_size": B}
        x = None
    else:
        more, x = {}, array(T, B, shape=("D",))
    params = {k: v.astype(dtype) for k, v in params.items()}
    return params, x, dict(inputs=inputs, state=state, **more)
