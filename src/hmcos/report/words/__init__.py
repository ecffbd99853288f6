"""Sentences, names and sizes for people."""
