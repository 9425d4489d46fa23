"""Weights to and from other libraries, as arrays and as files."""

from .weights import *  # noqa: F403
from .weights import __all__ as __all__
