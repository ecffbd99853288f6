"""hmcos draw: what a picture shows."""
