"""Which lives go into which of several memories, so that the slower ones are written and read the least."""
