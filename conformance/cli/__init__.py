"""The command line: a command a file; what its options mean; how what went wrong is told."""
