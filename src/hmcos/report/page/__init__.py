"""The page that explains the memory of a plan."""
