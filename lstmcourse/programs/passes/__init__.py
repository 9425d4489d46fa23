"""Steps from graph to graph on the way to a fast program. Each is named, pure, and says before -> after.

In the order in which `run/recipe.py` uses them:

- `start_from`: states that start from an array of the caller's
- `stop_at_lengths`: past its length a sequence keeps its state
- `divide_layers`: a layer becomes products and sums, what is known earliest first
- `merge_products`: products that share an operand become one
- `merge_elementwise`: the same function of neighbouring slices becomes one
- `simplify`: common subexpressions once, arithmetic on constants done
- `mask_padding`: what is summed over steps is exactly 0 past the end
- `materialise_states`, `materialise_outputs`: results that can be stored where they belong
- `give_hints`: names for what the author left unnamed
- `saved`: which values the backward program takes from storage

What a printer asks about the graph that comes out:

- `levels`: after which loop each value is known
- `schedule`: which values are computed once, for all steps at once, in a loop, or after it
- `check_schedule`: nothing is read before it is computed
"""

from .arithmetic import simplify
from .elementwise import merge_elementwise
from .hints import give_hints
from .layers import divide_layers
from .lengths import stop_at_lengths
from .padding import mask_padding
from .products import merge_products
from .results import materialise_outputs, materialise_states
from .sections import Section, check_schedule, schedule
from .starts import start_from
from .storage import saved
from .times import Levels, levels

__all__ = [
    "Levels",
    "Section",
    "check_schedule",
    "divide_layers",
    "give_hints",
    "levels",
    "merge_elementwise",
    "merge_products",
    "materialise_states",
    "materialise_outputs",
    "saved",
    "schedule",
    "mask_padding",
    "simplify",
    "start_from",
    "stop_at_lengths",
]
