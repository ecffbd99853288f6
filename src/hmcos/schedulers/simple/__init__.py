"""Orders found without a search, one per file."""
