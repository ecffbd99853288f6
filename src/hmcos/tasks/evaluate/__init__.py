"""hmcos evaluate: the peaks of many networks, by many workers, row by row."""
