"""`python -m lakehouse` is the command `lakehouse`."""

from lakehouse.cli.program import program

program()
