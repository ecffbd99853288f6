"""PyTorch: graphs run on real tensors, with the bytes of every live storage at every operator."""
