"""Planners that place each life once, one per file."""
