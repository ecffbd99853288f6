"""Run neural networks in the least memory that is possible, with proof."""
