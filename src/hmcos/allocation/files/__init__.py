"""Lives and arenas in files: CSV, JSON and C."""
