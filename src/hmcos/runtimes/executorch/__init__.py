"""ExecuTorch: where its memory planning puts tensors."""
