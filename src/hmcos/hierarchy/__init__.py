"""The hierarchy: one large problem as a tree of small ones."""
