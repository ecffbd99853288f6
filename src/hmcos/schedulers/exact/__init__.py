"""The exact search: cuts, joins, commits, and descents at one threshold after another."""
