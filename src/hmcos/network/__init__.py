"""A network, opened and turned into numbers, with the way back to its source."""
