"""Checks of plans by running models in a child process with limits."""
