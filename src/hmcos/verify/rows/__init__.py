"""Check row plans by code that shares nothing with what makes them."""
