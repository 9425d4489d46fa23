"""What holds for every pytest run."""

import os
from pathlib import Path

import pytest

MADE_UP = Path(__file__).parent / "tests" / "data" / "chorales.json"


def pytest_configure(config):
    """Keep compiled programs from one run to the next, in one folder for all processes, not in the user's.

    And read chorales that were made up.
    """
    if hasattr(config, "cache"):
        os.environ["LSTMCOURSE_CACHE_DIR"] = str(config.cache.mkdir("compiled"))
    os.environ["LSTMCOURSE_CHORALES"] = str(MADE_UP)  # never Bach's, which a learner may have


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Tell a notebook's kernel, and nothing else, that it is run for regression."""
    if item.path.suffix == ".ipynb":
        os.environ["LSTMCOURSE_REGRESSION"] = "1"  # the progress bar then prints nothing that varies
    else:
        os.environ.pop("LSTMCOURSE_REGRESSION", None)
