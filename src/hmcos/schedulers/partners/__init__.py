"""Partners of a long search: processes that refute the best peak beside the main process."""
