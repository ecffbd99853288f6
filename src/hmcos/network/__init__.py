"""Networks, opened and turned into numbers, with tables that lead back to the source."""
