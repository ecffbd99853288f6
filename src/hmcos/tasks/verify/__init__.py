"""hmcos verify: a plan or a written model, counted again and run."""
