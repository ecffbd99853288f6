"""Between bytes and graphs; one file per format."""
