"""Landing: files as they are, append-only, into Delta; nothing lost, nothing landed twice."""

from lakehouse.bronze.landing import Load, land
from lakehouse.bronze.news import news
from lakehouse.bronze.withdrawal import withdraw

__all__ = ["Load", "land", "news", "withdraw"]
