"""Read models as graphs and write them back; one folder per format."""
