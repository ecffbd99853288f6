"""hmcos explain: why a network needs its memory, and what would make it less."""
