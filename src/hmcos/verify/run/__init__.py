"""Plans checked by running them, in a child process with limits."""
