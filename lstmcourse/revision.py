"""The engine's revision: one number that says whether numbers computed before still hold."""

__all__ = ["ENGINE_REVISION"]

ENGINE_REVISION = 1
"""Raised by hand whenever the numbers of a run, a gradient or a training may change, beyond rounding.

All stored studies are stale from then on. ``tests/test_reference_outputs.py`` says if it has been forgotten.
"""
