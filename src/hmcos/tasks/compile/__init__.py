"""Compile a network to one C file that runs it row by row."""
