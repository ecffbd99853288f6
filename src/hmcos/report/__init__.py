"""Plans as tables, JSON and pictures."""
