"""The segment model: a scale, centres and their names, and what a customer is worth, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lakehouse.errors import LakehouseError
from ml.arrays import Floats
from ml.segment.evaluate import Labels, nearest_centre
from ml.segment.features import DIMENSIONS, Scale, dimensions
from ml.segment.naming import Archetype
from ml.value.model import ValueModel, from_content


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
        value: what customers are expected to spend; None where too few came back to tell.
    """

    scale: Scale
    centres: Floats
    names: list[Archetype]
    curve: list[Tried] = field(default_factory=list)
    value: ValueModel | None = None

    def points(self, customers: pd.DataFrame) -> Floats:
        """Customers x dimensions on the model's scale."""
        return self.scale.apply(dimensions(customers, self.value))

    def place(self, customers: pd.DataFrame) -> Labels:
        """The position of each customer's segment in `names`."""
        return nearest_centre(self.points(customers), self.centres)

    def predict(self, customers: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`segment_id`, `segment_name`, `action` for rows of `features.INPUTS`; those of behaviour may be absent."""
        chosen = [self.names[place] for place in self.place(customers)]
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
            "dimensions": list(DIMENSIONS),
            "value": None if self.value is None else self.value.content(),
        }
        (folder / "segments.json").write_text(json.dumps(content, indent=1))


def load(folder: Path) -> SegmentModel:
    """The model that `save` wrote.

    Raises:
        LakehouseError: it was written when segments were made of other features.
    """
    content = json.loads((folder / "segments.json").read_text())
    if content.get("dimensions") != list(DIMENSIONS):
        raise LakehouseError("this model's segments are made of other features: run `lakehouse train segment`")
    scale = Scale(np.array(content["mean"]), np.array(content["deviation"]))
    names = [Archetype(**kind) for kind in content["names"]]
    curve = [Tried(**tried) for tried in content["curve"]]
    value = None if content["value"] is None else from_content(content["value"])
    return SegmentModel(scale, np.array(content["centres"]), names, curve, value)


def _load_pyfunc(path: str) -> SegmentModel:
    """MLflow's entry point."""
    return load(Path(path))
