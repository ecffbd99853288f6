"""Schedulers that do not search, one per file."""
