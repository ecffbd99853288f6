"""Schedulers that find an order for a problem, one algorithm per file."""
