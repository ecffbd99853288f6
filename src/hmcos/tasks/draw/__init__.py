"""hmcos draw: the contents of pictures."""
