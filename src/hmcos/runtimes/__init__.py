"""Sessions and measurements on real runtimes, always in child processes; one file per runtime."""
