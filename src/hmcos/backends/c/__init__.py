"""A network as one C file that computes it row by row."""
