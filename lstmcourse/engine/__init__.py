"""The engine: what a cell means. `reference` is its definition, to be read first."""

from . import operators  # noqa: F401  nodes have their arithmetic from the start
