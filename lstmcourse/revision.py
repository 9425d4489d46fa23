"""Which version this is, and the engine's revision, by which numbers that were computed before still hold."""

__all__ = ["ENGINE_REVISION", "__version__"]

__version__ = "0.2.0"

ENGINE_REVISION = 1
"""Raised by hand whenever the numbers of a run, a gradient or a training may change, beyond rounding.

All stored studies are stale from then on. ``tests/engine/test_reference_outputs.py`` says if it has been
forgotten.
"""
