"""For who teaches with the course: `grade` runs what a class has written, and asks the checks again.

From the terminal: ``python -m lstmcourse.teaching grade FOLDER``. It runs strangers' code with your rights:
docs/grading.md says how to confine it. ``python -m lstmcourse.teaching slides 05`` makes slides of a lesson:
see `slides`.
"""

from .apart import Limits
from .grade import Grades, Mistake, Row, grade
from .report import page, sheet, table

__all__ = ["Grades", "Limits", "Mistake", "Row", "grade", "page", "sheet", "table"]
