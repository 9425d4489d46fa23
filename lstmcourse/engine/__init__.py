"""The engine: what a cell means. `reference` is its definition, to be read first."""
