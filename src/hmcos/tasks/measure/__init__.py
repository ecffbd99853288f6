"""hmcos measure: the memory that a runtime takes, with the predicted peaks."""
