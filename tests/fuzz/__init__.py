"""Mutated files through bronze, with an account of every row: `make fuzz`, or `python -m tests.fuzz --help`."""
