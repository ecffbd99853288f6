"""Recounts everything in the plainest way; shares no code with what it checks."""
