"""What holds for every pytest run."""

import os

import pytest


def pytest_configure(config):
    """Keep compiled programs from one run to the next, in one folder for all processes, not in the user's."""
    if hasattr(config, "cache"):
        os.environ["LSTMCOURSE_CACHE_DIR"] = str(config.cache.mkdir("compiled"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Tell a notebook's kernel, and nothing else, that it is run for regression."""
    if item.path.suffix == ".ipynb":
        os.environ["LSTMCOURSE_REGRESSION"] = "1"  # the progress bar then prints nothing that varies
    else:
        os.environ.pop("LSTMCOURSE_REGRESSION", None)
