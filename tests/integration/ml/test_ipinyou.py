"""A real bidding log: 26,773 impressions of four hours, 255 clicks, nobody's id."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

from lakehouse.engine import frames
from ml import tables
from ml.tasks import TASKS
from tests.integration.ml.gold_tables import TEXTS, write_gold

if TYPE_CHECKING:
    from lakehouse.settings import Settings

DAY = date(2013, 10, 22)
ATTRIBUTES = (
    "IP",
    "city",
    "adexchange",
    "domain",
    "slotwidth",
    "slotheight",
    "slotvisibility",
    "slotformat",
    "slotprice",
)


def test_clicks_of_the_last_hour_are_predicted_better_than_by_chance(home_settings: Settings) -> None:
    path = home_settings.data_dir / "ipinyou_ctr_train.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {home_settings.data_dir}: set LAKEHOUSE_DATA_DIR")
    log = pd.read_csv(path, dtype=str)
    shown = [datetime(2013, 10, 22, int(hour), tzinfo=timezone.utc) for hour in log["hour"]]
    attributes = [
        list(zip(ATTRIBUTES, row)) for row in log[list(ATTRIBUTES)].astype(object).where(log.notna(), None).to_numpy()
    ]
    content = {
        "impression_id": [f"{number:06d}" for number in range(len(log))],
        "customer_id": pa.array([None] * len(log), pa.string()),
        "creative_id": log["creative"].tolist(),
        "slot_id": log["slotid"].tolist(),
        "region": log["region"].tolist(),
        "device_type": log["useragent"].tolist(),
        "hour_of_day": pa.array([t.hour for t in shown], pa.int32()),
        "shown_at": pa.array(shown, pa.timestamp("us", tz="UTC")),
        "attributes": pa.array(attributes, TEXTS),
        "is_clicked": (log["click"] == "1").tolist(),
    }
    write_gold(home_settings, "feat_impressions", pa.table(content))
    summary = TASKS["click"].run(frames(home_settings), home_settings, DAY, 7)

    told = {metric.name: metric for metric in summary.metrics}
    assert told["evaluated_impressions"].value == 6678  # the hour from 19:00
    assert told["auc"].value > 0.60
    assert told["log_loss"].value < (told["log_loss"].baseline_value or 0)
    assert told["expected_calibration_error"].value < 0.005
    predictions = tables.read(home_settings, "click_predictions").to_pandas()
    assert predictions["customer_id"].isna().all()
    assert not predictions.duplicated(["creative_id", "slot_id", "region"]).any()
    key = ["creative_id", "slot_id", "region"]
    of_log = pd.DataFrame({name: content[name] for name in key}).merge(predictions, on=key, validate="many_to_one")
    assert len(of_log) == 26773
    assert of_log["click_probability"].mean() == pytest.approx(255 / 26773, rel=0.15)
