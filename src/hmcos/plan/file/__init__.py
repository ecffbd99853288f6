"""Plans as files, written and read."""
