"""Networks changed so that they need less than in any order."""
