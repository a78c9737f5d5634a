"""Quality gates: Great Expectations suites, declared in `expectations/`, judged after each layer."""

from lakehouse.quality.gate import GateReport, run_gate
from lakehouse.quality.suites import LAYERS, Rule, Suite, load_suites, read_suite

__all__ = ["LAYERS", "GateReport", "Rule", "Suite", "load_suites", "read_suite", "run_gate"]
