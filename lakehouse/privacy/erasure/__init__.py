"""Erasing persons for good, with a certificate (docs/decisions/0032-erasure.md)."""
