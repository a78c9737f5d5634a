"""`app/locations.parquet`: where the app saw its users, and for how long.

Every store purchase leaves a stay of 8 to 60 minutes at the store before the payment; besides, people with
the app are seen passing a store of their city (20 to 240 s), at home (hours) and in town. About 9 sightings
per customer and year.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.arrays import Floats, Ints, pick
from lakehouse.synth.keys import customer_codes
from lakehouse.synth.population import Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar, fire
from lakehouse.synth.stores import Stores
from lakehouse.synth.visits import Visits

SIGHTINGS_PER_YEAR = 7.0
STORE_METRES, DEGREE_METRES = 15.0, 111_320.0


def _near(rng: np.random.Generator, latitude: Floats, longitude: Floats, metres: Floats) -> tuple[Floats, Floats]:
    north, east = rng.normal(size=len(latitude)), rng.normal(size=len(latitude))
    stretch = np.cos(np.radians(latitude))
    return latitude + north * metres / DEGREE_METRES, longitude + east * metres / DEGREE_METRES / stretch


def write_locations(
    directory: Path, rng: np.random.Generator, calendar: Calendar, population: Population, visits: Visits,
    stores: Stores,
) -> int:  # fmt: skip
    """Write the sightings sorted by time; returns their number."""
    n = population.customers
    shopping = np.flatnonzero(visits.is_store)
    shopper, store = visits.who[shopping], visits.store[shopping]
    stay = rng.integers(480, 3600, len(shopping))
    who, day = fire(rng, calendar, np.full(n, SIGHTINGS_PER_YEAR / 365.0), population.active_from[:n],
                    population.active_to[:n])  # fmt: skip
    seen = calendar.start_s + day * DAY_SECONDS + rng.integers(6 * 3600, 23 * 3600, len(who))
    kind = pick(rng, np.array([0.35, 0.35, 0.30]), len(who))  # passing a store, at home, in town
    passed = stores.nearest(rng, population, who)
    kind = np.where((kind == 0) & (passed < 0), 2, kind)
    store_latitude, store_longitude = np.r_[stores.latitude, 0.0], np.r_[stores.longitude, 0.0]
    home_latitude, home_longitude = population.latitude[who], population.longitude[who]
    latitude = np.where(kind == 0, store_latitude[passed], home_latitude)
    longitude = np.where(kind == 0, store_longitude[passed], home_longitude)
    metres = np.array([60.0, 20.0, 4000.0])[kind]
    low, high = np.array([20, 3600, 60])[kind], np.array([240, 8 * 3600, 1800])[kind]
    dwell = low + (rng.random(len(who)) * (high - low)).astype(np.int64)

    at_store = _near(rng, store_latitude[store], store_longitude[store], np.full(len(store), STORE_METRES))
    elsewhere = _near(rng, latitude, longitude, metres)
    person = np.r_[shopper, who]
    second = np.r_[visits.start_s[shopping] - stay, seen]
    all_dwell = np.r_[stay, dwell]
    lat, lng = np.r_[at_store[0], elsewhere[0]], np.r_[at_store[1], elsewhere[1]]
    order = np.lexsort((person, second))
    is_new = np.r_[True, (np.diff(second[order]) != 0) | (np.diff(person[order]) != 0)][: len(order)]
    order = order[is_new]  # customer and second are the key

    def rounded(values: Floats) -> pa.Array:
        return pa.array(np.round(values[order], 6))

    seconds: Ints = second[order]
    return writing.write_parquet(
        directory / "app" / "locations.parquet",
        {
            "device_user": customer_codes(person[order]),
            "seen": writing.utc_timestamps(seconds),
            "lat": rounded(lat),
            "lng": rounded(lng),
            "dwell_s": pa.array(all_dwell[order]),
        },
    )
