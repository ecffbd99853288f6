"""Settings that all tests share."""

from hypothesis import settings

# No deadline: a busy machine must not fail a law. Derandomized: the same run everywhere.
settings.register_profile("hmcos", deadline=None, derandomize=True)
settings.load_profile("hmcos")
