"""The tasks that users run, one module or folder for each."""
