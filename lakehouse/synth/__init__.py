"""The sample: a shop's world as its systems would export it, with the truth beside it (docs/sample.md)."""

from __future__ import annotations

from lakehouse.synth.world import GenerationSummary, generate

__all__ = ["GenerationSummary", "generate"]
