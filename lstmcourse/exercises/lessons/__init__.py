"""The exercises, a module for each notebook: hints, what is right, and which mistakes have names."""
