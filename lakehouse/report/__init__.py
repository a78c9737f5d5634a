"""One page about a home that needs no server and no network: `lakehouse report`."""

from lakehouse.report.page import write_report

__all__ = ["write_report"]
