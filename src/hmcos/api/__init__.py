"""Every command of the command line as a function; the package `hmcos` exports the public ones."""
