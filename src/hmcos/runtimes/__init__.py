"""Sessions and measurements on real runtimes; one folder per runtime."""
