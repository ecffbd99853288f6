"""Settings that all tests share."""

import logging
import os
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

# Tests see one and the same terminal, wherever they are started; those about terminals describe their own.
for name in ("LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONWARNINGS"):
    os.environ.pop(name, None)
os.environ["COLUMNS"] = "80"

# What hypothesis notes for itself stays out of the folder that the tests are started from.
notes = TemporaryDirectory(prefix="hmcos-tests-")
set_hypothesis_home_dir(notes.name)

# No deadline, and no wait that counts as too long: a busy machine must not fail a law. Derandomized: the same
# run everywhere.
settings.register_profile(
    "hmcos", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hmcos")


def pytest_unconfigure() -> None:
    """Remove the notes."""
    notes.cleanup()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let every message be put together: pytest fails a test whose message does not suit its values."""
    if item.get_closest_marker("own_log_level") is None:
        logging.getLogger("hmcos").setLevel(logging.DEBUG)


def pytest_runtest_teardown() -> None:
    """Forget what a test, or an example of a page, asked of the logger of the package."""
    logger = logging.getLogger("hmcos")
    logger.setLevel(logging.NOTSET)
    logger.propagate, logger.handlers[:] = True, []
