"""From graphs to programs: the passes, and the printers to NumPy and to JavaScript; see README.md."""
