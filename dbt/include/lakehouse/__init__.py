"""The macros of the adapter: none beside Spark's."""

import os

PACKAGE_PATH = os.path.dirname(__file__)
