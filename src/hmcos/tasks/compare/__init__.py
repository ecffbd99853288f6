"""hmcos compare: schedulers and planners side by side."""
