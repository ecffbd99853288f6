"""Independent checks of plans and written models; they share no code with the search that made them."""
