"""The laboratory: a cell's diagram, alive, in any page; see README.md."""

from .attention import AttentionLab
from .base import Values
from .dilemma import Dilemma, dilemma
from .drawing import DrawingLab
from .imagining import ImaginingLab
from .lab import Lab, lab
from .sentence import SentenceLab
from .xray import XRayLab

__all__ = [
    "AttentionLab",
    "Dilemma",
    "DrawingLab",
    "ImaginingLab",
    "Lab",
    "SentenceLab",
    "Values",
    "XRayLab",
    "dilemma",
    "lab",
]
