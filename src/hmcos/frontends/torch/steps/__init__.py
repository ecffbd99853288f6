"""Training steps of PyTorch as one graph: loss, gradients, clipping and the optimizer's update."""
