"""All that the command line does, as functions; `hmcos` itself names those that are public."""
