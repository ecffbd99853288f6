"""Planners that turn lives into an arena, one per file."""
