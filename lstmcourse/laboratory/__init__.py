"""The laboratory: a cell's diagram, alive, in any page; see README.md."""

from .base import Values
from .dilemma import Dilemma, dilemma
from .lab import Lab, lab
from .sentence import SentenceLab

__all__ = ["Dilemma", "Lab", "SentenceLab", "Values", "dilemma", "lab"]
