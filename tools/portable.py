"""Make sure that the switches of `make test-portable` switch something off, then say what is in use.

Exit status 1 where they do nothing although this processor has something to switch: names that NumPy does not
know are silently ignored, and the run would prove nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys

_PROBE = """
import hashlib, warnings
warnings.simplefilter("ignore")
import numpy as np
from numpy.lib import introspect
x = np.random.default_rng(0).standard_normal((150, 150))
info = introspect.opt_func_info(func_name="^tanh$", signature="float64")
simd = [kernels["current"] for loops in info.values() for kernels in loops.values()]
digest = lambda a: hashlib.sha256(a.tobytes()).hexdigest()[:8]
print(simd[0] if simd else "none", digest(np.tanh(x)), digest(x @ x))
"""
_SWITCHES = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")


def probe(environment: dict[str, str]) -> list[str]:
    """Return tanh's vector instructions, and digests of tanh and of a product, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def main() -> int:
    """Compare NumPy with the switches and without them."""
    plain = probe({k: v for k, v in os.environ.items() if k not in _SWITCHES})
    switched = probe(dict(os.environ))
    print(f"tanh: {plain[0]} -> {switched[0]}; digits of tanh {plain[1]} -> {switched[1]}")
    print(
        f"digits of a product: {plain[2]} -> {switched[2]}; threads {os.environ.get('OPENBLAS_NUM_THREADS')}"
    )
    if not plain[0].startswith("X86_V"):
        print("this processor has nothing that these switches could switch off: the run shows nothing new")
    elif switched[0] == plain[0] or switched[1] == plain[1]:
        print(
            "NPY_DISABLE_CPU_FEATURES does nothing: NumPy has other names for its features", file=sys.stderr
        )
        return 1
    elif switched[2] == plain[2]:
        print("OPENBLAS_CORETYPE does nothing: is this NumPy built with OpenBLAS?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
