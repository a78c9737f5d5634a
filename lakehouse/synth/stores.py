"""The chain's stores."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.arrays import Floats, Ints
from lakehouse.synth.places import CITIES
from lakehouse.synth.population import Population

FULL_SIZE_CUSTOMERS = 2500  #: from this size on all stores of the list exist


@dataclass(frozen=True)
class Stores:
    """One entry per store, grouped by city; `in_city` and `first_of_city` have one entry per city."""

    city: Ints
    latitude: Floats
    longitude: Floats
    in_city: Ints
    first_of_city: Ints

    def nearest(self, rng: np.random.Generator, population: Population, who: Ints) -> Ints:
        """A store of each person's city (their usual one in 4 of 5 visits); -1 where the city has none."""
        count = self.in_city[population.city[who]]
        usual = who % np.maximum(count, 1)
        other = (rng.random(len(who)) * count).astype(np.int64)
        choice = np.where(rng.random(len(who)) < 0.8, usual, other)
        return np.where(count > 0, self.first_of_city[population.city[who]] + choice, -1)


def make_stores(rng: np.random.Generator, customers: int) -> Stores:
    """Place the stores around the centres of their cities."""
    scale = min(1.0, customers / FULL_SIZE_CUSTOMERS)
    in_city = np.array([ceil(c.stores * scale) for c in CITIES], dtype=np.int64)
    city = np.repeat(np.arange(len(CITIES), dtype=np.int64), in_city)
    spread = rng.normal(0.0, 0.03, (len(city), 2))
    return Stores(
        city=city,
        latitude=np.array([c.latitude for c in CITIES])[city] + spread[:, 0],
        longitude=np.array([c.longitude for c in CITIES])[city] + spread[:, 1],
        in_city=in_city,
        first_of_city=np.cumsum(in_city) - in_city,
    )


def store_codes(stores: Stores, index: Ints) -> pa.Array:
    """`S001` and the like."""
    return writing.numbered("S", index + 1, 3)


def write_stores(directory: Path, stores: Stores) -> int:
    """`stores/stores.csv`; returns its rows."""
    number = np.arange(len(stores.city), dtype=np.int64)
    within = number - stores.first_of_city[stores.city] + 1
    columns = [
        store_codes(stores, number),
        writing.texts([f"{CITIES[c].name} {w}" for c, w in zip(stores.city, within, strict=True)]),
        writing.decimals(stores.latitude, 6),
        writing.decimals(stores.longitude, 6),
    ]
    lines = writing.delimited_lines(columns)
    writing.write_lines(directory / "stores" / "stores.csv", lines, "store_code,store_name,lat,lng")
    return len(number)
