"""Checks of plans and files by counting, without running a model."""
