"""hmcos schedule: order and arena of a network, checked, and written to files."""
