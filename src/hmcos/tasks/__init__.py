"""What users ask for, one module or folder for each thing."""
