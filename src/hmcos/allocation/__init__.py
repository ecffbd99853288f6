"""From lives to an arena; one planner per file."""
