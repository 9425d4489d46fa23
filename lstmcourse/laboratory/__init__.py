"""The laboratory: a cell's diagram, alive, in any page; see README.md."""

from .lab import Lab, Values, lab

__all__ = ["Lab", "Values", "lab"]
