"""Planners that place each life once, without a search; one per file."""
