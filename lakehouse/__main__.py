"""`python -m lakehouse` is the command `lakehouse`."""

from lakehouse.cli import main

main()
