"""hmcos verify: recount and run a plan or a written model."""
