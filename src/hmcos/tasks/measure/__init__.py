"""hmcos measure: the memory that a runtime takes, beside what is predicted."""
