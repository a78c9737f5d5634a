"""What known customers did or met: the rows of gold.feat_activity that name a customer."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from deltalake import DeltaTable

from lakehouse.settings import Settings
from ml.arrays import Texts
from ml.coded import Coded, Codes, coded


class Happenings(Coded):
    """The rows whose customer is known, in the order of the table."""

    def __init__(self, found: DeltaTable | None) -> None:
        super().__init__(found, by="customer_id")

    @cached_property
    def customers(self) -> Texts:
        """Sorted ids of everybody with a row."""
        return np.array(self.named("customer_id").names, dtype=object)

    @property
    def customer(self) -> Codes:
        """Of each row, the position of its customer among `customers`."""
        return self.named("customer_id").code

    @property
    def day(self) -> Codes:
        """Of each row, the proleptic ordinal of the day on which it happened, `NO_DAY` where none is told."""
        return self.days("occurred_on")

    @cached_property
    def first_day(self) -> Codes:
        """Of each of `customers`, the first day on which anything is told of them; `NO_DAY` if anything has none."""
        first = np.full(len(self.customers), np.iinfo(np.int32).max, dtype=np.int32)
        np.minimum.at(first, self.customer, self.day)
        return first


def read_happenings(settings: Settings) -> Happenings:
    """Those of the table as it stands."""
    return coded(settings, "feat_activity", Happenings)
