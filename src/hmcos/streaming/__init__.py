"""A network run row by row: its rows as buffers of a problem, an order of row steps, and an arena."""
