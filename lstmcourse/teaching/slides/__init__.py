"""Slides of a lesson: one page that works offline, derived from the lesson as it is stored.

`write` makes the deck of one lesson. `rules.py` says what becomes a slide, `lesson.py` reads the notebook,
`text.py` sets Markdown, formulas and programs, `page.py` puts the page together, and `command.py` is
``python -m lstmcourse.teaching slides``. The packages that this needs come with the extra ``teach``.
"""

from .command import write

__all__ = ["write"]
