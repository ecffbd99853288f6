"""One large problem as a tree of small ones."""
