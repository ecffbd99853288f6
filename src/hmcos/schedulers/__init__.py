"""From a problem to a schedule; one algorithm per file."""
