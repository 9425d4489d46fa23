"""What tests of the package share."""

import pytest


@pytest.fixture(scope="module")
def compiled_programs(request):
    """Compiled programs are kept from one run of the tests to the next, apart from the user's own."""
    path = request.config.cache.mkdir("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSTMCOURSE_CACHE_DIR", str(path))
        yield path
