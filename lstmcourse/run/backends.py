"""Which back-ends there are, and which one a run takes."""

from __future__ import annotations

from .. import checks
from ..compiled import native as fast
from ..errors import UnknownNameError

__all__ = ["backends"]


def backends() -> tuple[str, ...]:
    """Names of the back-ends that can run here: "numba" needs the package numba, and that it works.

    Examples
    --------
    >>> "numpy" in backends()
    True
    """
    return ("numpy", "numba") if fast.available() else ("numpy",)


def check_backend(name: str | None) -> str:
    """The back-end's name; NumPy for None."""
    if name is None:
        return "numpy"
    if isinstance(name, str) and name in ("numpy", "reference"):
        return name
    if isinstance(name, str) and name == "numba" and (problem := fast.why_not()):
        raise UnknownNameError(f"backend='numba' cannot run here, because {problem}; or leave backend= out")
    return checks.choice("backend", name, backends())
