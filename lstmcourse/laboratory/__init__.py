"""The laboratory: a cell's diagram, alive, in any page; see README.md."""

from .base import Values
from .lab import Lab, lab
from .sentence import SentenceLab

__all__ = ["Lab", "SentenceLab", "Values", "lab"]
