"""PyTorch: graphs of torch.fx as networks and back, and exported programs (`.pt2` files)."""
