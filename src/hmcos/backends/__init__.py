"""What a network is turned into besides a model file."""
