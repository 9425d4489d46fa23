"""Files: paths, files replaced whole or not at all, and arrays in them."""

from .paths import cache_folder, expand
from .whole import alone, append, check_replaceable, held, opened, parse_json, read_json, replace

__all__ = [
    "alone",
    "append",
    "cache_folder",
    "check_replaceable",
    "expand",
    "held",
    "opened",
    "parse_json",
    "read_json",
    "replace",
]
