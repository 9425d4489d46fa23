"""Pictures of cells, in the visual language of "Understanding LSTM Networks", drawn from the graph alone.

    diagram(cell)                      one step, open; `cell.diagram()` is the same
    diagram(cell, focus={"f", "i"})    these equations in full ink, all else faded: lines to a third
    diagram(cell, chain=True)          three steps, the middle one open
    folded(cell), unrolled(cell)       the loop, and the loop laid out as copies through time
    legend()                           what boxes, circles and lines mean
    lattice(3, 2), block()             blocks joined through time and depth, and one of them, open

README.md says which module does what. A cell that does not fit on a picture of this kind is shown as its
equations, written inside the module; a stack as its layers.
"""

from .draw import diagram, lit
from .lattice import block, lattice
from .loop import folded, legend, unrolled
from .picture import Diagram

__all__ = ["Diagram", "block", "diagram", "folded", "lattice", "legend", "lit", "unrolled"]
