"""The values that travel: schedules, arenas and plans."""
