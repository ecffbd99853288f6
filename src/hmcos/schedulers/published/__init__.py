"""The published schedulers: HMCOS and Serenity, and what both search with."""
