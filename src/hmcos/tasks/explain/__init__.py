"""hmcos explain: why a network needs its memory, and what would reduce it."""
