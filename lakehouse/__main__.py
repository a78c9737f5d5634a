"""`python -m lakehouse` is the command `lakehouse`."""

import sys

from lakehouse.cli import main

sys.exit(main())
