"""The steps that `api.schedule` strings together, one file each."""
