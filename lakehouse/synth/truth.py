"""`truth/`: the people, the creatives and the model behind the files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from lakehouse.synth import advertising, writing
from lakehouse.synth.advertising import CAMPAIGNS, SLOTS, Creatives
from lakehouse.synth.catalogue import TOP_CATEGORIES, Catalogue
from lakehouse.synth.keys import campaign_code, creative_code, customer_codes, product_codes
from lakehouse.synth.places import CITIES
from lakehouse.synth.population import (
    DEVICES,
    GENDER_NAMES,
    K_TOPIC,
    SEGMENT_NAMES,
    SEGMENTS,
    K,
    Population,
)  # fmt: skip
from lakehouse.synth.seasons import DAY_SECONDS, Calendar


def write_people(directory: Path, calendar: Calendar, population: Population) -> None:
    """`truth/customers.parquet`: one row per customer; `churned_on` is null for those who stay."""
    n = population.customers
    gone = population.churn_day[:n] < calendar.days
    churn_day = np.where(gone, population.churn_day[:n], 0) + calendar.start_s // DAY_SECONDS
    columns: dict[str, Any] = {
        "customer_id": customer_codes(np.arange(n, dtype=np.int64)),
        "segment": writing.look_up(writing.texts(SEGMENT_NAMES), population.segment[:n]),
        "gender": writing.look_up(writing.texts(GENDER_NAMES), 1 - population.is_female[:n].astype(np.int64)),
        "birth_on": pa.array(population.birth_day[:n].astype("datetime64[D]")),
        "churned_on": pa.array(churn_day.astype("datetime64[D]"), mask=~gone),
        "price_sensitivity": pa.array(population.price_sensitivity[:n]),
        "income": pa.array(population.income[:n]),
        "ad_affinity": pa.array(population.ad_affinity[:n]),
        "is_silent": pa.array(population.is_silent[:n]),
    }
    for index in range(K):
        columns[f"taste_{index + 1:02d}"] = pa.array(population.taste[:n, index])
    writing.write_parquet(directory / "truth" / "customers.parquet", columns)


def write_products(directory: Path, catalogue: Catalogue) -> None:
    """`truth/products.parquet`: popularity and the vector that tastes meet."""
    columns: dict[str, Any] = {
        "product_id": product_codes(np.arange(len(catalogue), dtype=np.int64)),
        "popularity": pa.array(catalogue.popularity),
        "relative_price": pa.array(catalogue.relative_price),
    }
    for index in range(K):
        columns[f"vector_{index + 1:02d}"] = pa.array(catalogue.vector[:, index])
    writing.write_parquet(directory / "truth" / "products.parquet", columns)


def write_model(directory: Path, creatives: Creatives, *, customers: int, days: int, seed: int, end: date) -> None:
    """`truth/model.yml`: the parameters of the generative model, hidden qualities included."""
    model = {
        "parameters": {"customers": customers, "days": days, "seed": seed, "end": end.isoformat()},
        "taste_topics": {f"taste_{i + 1:02d}": name for i, name in enumerate(TOP_CATEGORIES[:K_TOPIC])},
        "segments": [segment._asdict() for segment in SEGMENTS],
        "click_model": {
            "intercept": advertising.INTERCEPT,
            "taste": advertising.TASTE_EFFECT,
            "hour": f"{advertising.HOUR_EFFECT} * cos(2 pi (hour - 21) / 24), hour in Asia/Shanghai",
            "earlier_clicks": f"{advertising.CLICK_EFFECT} * min(clicks, 3)",
            "earlier_impressions": f"{advertising.FATIGUE_EFFECT} * min(impressions, 10)",
            "slot": {name: logit for name, _, logit in SLOTS},
            "device": dict(zip(DEVICES, advertising.DEVICE_EFFECTS.tolist(), strict=True)),
            "region": {c.region: float(advertising.TIER_EFFECTS[c.tier]) for c in CITIES},
            "creatives": {
                creative_code(i): {
                    "campaign_id": campaign_code(int(creatives.campaign[i])),
                    "campaign": CAMPAIGNS[creatives.campaign[i]].name,
                    "topic": TOP_CATEGORIES[creatives.topic[i]],
                    "quality": round(float(creatives.quality[i]), 6),
                }
                for i in range(len(creatives.topic))
            },
        },
    }
    text = yaml.safe_dump(model, sort_keys=False, allow_unicode=True)
    (directory / "truth" / "model.yml").write_text(text, encoding="utf-8")
