"""The segment model: a scale, centres and their names, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.segment.evaluate import Labels, nearest_centre
from ml.segment.features import Floats, Scale, dimensions
from ml.segment.naming import Archetype


@dataclass(frozen=True)
class Tried:
    """A number of segments that was tried, with its cost and silhouette."""

    k: int
    cost: float
    silhouette: float


@dataclass(frozen=True)
class SegmentModel:
    """Centres (clusters x dimensions, standardised) in the order of their segment ids.

    Args:
        curve: from which the number of segments was chosen; one group is no point of it.
    """

    scale: Scale
    centres: Floats
    names: list[Archetype]
    curve: list[Tried] = field(default_factory=list)

    def place(self, rfm: pd.DataFrame) -> Labels:
        """The position of each customer's segment in `names`."""
        return nearest_centre(self.scale.apply(dimensions(rfm)), self.centres)

    def predict(self, rfm: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`segment_id`, `segment_name`, `action` for rows of recency_days, frequency, monetary_amount."""
        chosen = [self.names[place] for place in self.place(rfm)]
        return pd.DataFrame(
            {
                "segment_id": [kind.segment_id for kind in chosen],
                "segment_name": [kind.name for kind in chosen],
                "action": [kind.action for kind in chosen],
            }
        )

    def save(self, folder: Path) -> None:
        """Write `segments.json`."""
        content = {
            "mean": self.scale.mean.tolist(),
            "deviation": self.scale.deviation.tolist(),
            "centres": self.centres.tolist(),
            "names": [asdict(kind) for kind in self.names],
            "curve": [asdict(tried) for tried in self.curve],
        }
        (folder / "segments.json").write_text(json.dumps(content, indent=1))


def load(folder: Path) -> SegmentModel:
    """The model that `save` wrote."""
    content = json.loads((folder / "segments.json").read_text())
    scale = Scale(np.array(content["mean"]), np.array(content["deviation"]))
    names = [Archetype(**kind) for kind in content["names"]]
    curve = [Tried(**tried) for tried in content.get("curve", [])]  # models of before kept none
    return SegmentModel(scale, np.array(content["centres"]), names, curve)


def _load_pyfunc(path: str) -> SegmentModel:
    """MLflow's entry point."""
    return load(Path(path))
