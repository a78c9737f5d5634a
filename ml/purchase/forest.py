"""A forest as plain arrays: its probabilities, and what each feature adds to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats, Ints
from ml.carry_over import mixed
from ml.purchase.shapley import contributions

Words = npt.NDArray[np.uint64]

MOST_LEAVES = 64
"""Of a tree, so that a set of them is one word."""
ALL_LEAVES = np.uint64(2**MOST_LEAVES - 1)
LEAF = -1
ROWS_AT_ONCE = 4096
MANTISSA_BITS, EXPONENT_OF_ONE = 52, 1023
"""Of a float of 64 bits (IEEE 754)."""


class Tree(NamedTuple):
    """Nodes numbered depth first, the left child before the right one.

    Args:
        feature: column that a node asks for, `LEAF` for a leaf.
        threshold: a row goes left where its value is at most this.
        left, right: numbers of the children, `LEAF` for a leaf.
        value: probability, of leaves.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats


@dataclass(frozen=True)
class Forest:
    """The mean of trees, their nodes one after the other.

    Args:
        start: trees + 1, where the nodes of each tree begin; children are numbered within a tree.
        cover: of each node, the rows learnt from that pass through it.
    """

    start: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    cover: Floats

    @property
    def trees(self) -> int:
        return len(self.start) - 1

    @property
    def base(self) -> float:
        """The mean probability of the rows learnt from, from which contributions start."""
        leaf = self.feature == LEAF
        return float((self.cover * self.value)[leaf].sum() / self.cover[self.start[:-1]].sum())

    def probability(self, rows: Floats) -> Floats:
        """One per row of features, before calibration."""
        parts = [self.of_sets(part) for part in self.leaf_sets(rows)]
        return np.concatenate([*parts, np.empty(0)])

    def of_sets(self, sets: Words) -> Floats:
        """Mean value of the leaves that are the first of each set; rows x trees in, one per row out."""
        return np.asarray(np.take(self.leaf_values, self._leaves(sets)).mean(axis=1))

    def alike(self, rows: Floats) -> tuple[Ints, Ints]:
        """The first row of each kind that no threshold tells apart, and of each row its kind: they end in the same
        leaves, and each feature adds the same to them.
        """
        places = [np.searchsorted(thresholds, rows[:, feature]) for feature, (thresholds, _) in self.tables.items()]
        numbers = mixed(*places) if places else np.zeros(len(rows), dtype=np.int64)
        _, first, kind = np.unique(numbers, return_index=True, return_inverse=True)
        return first, kind

    def leaf_sets(self, rows: Floats) -> Iterator[Words]:
        """Some thousand rows at a time, rows x trees: the leaves that no feature rules out, of which the first is the
        row's.

        QuickScorer (Lucchese et al., SIGIR 2015): a node whose answer is "greater" rules out the leaves to its left,
        so a feature's word depends only on where its value lies among the thresholds that ask for it.
        """
        for first in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[first : first + ROWS_AT_ONCE]
            sets = np.full((len(part), self.trees), ALL_LEAVES)
            for feature in self.tables:
                sets &= self.left_by(feature, part[:, feature])
            yield sets

    def left_by(self, feature: int, values: Floats) -> Words:
        """Rows x trees: the leaves that this feature does not rule out at these values."""
        thresholds, words = self.tables[feature]
        return words[np.searchsorted(thresholds, values, side="left")]

    @cached_property
    def tables(self) -> dict[int, tuple[Floats, Words]]:
        """By feature that is asked for: its thresholds in order, and thresholds + 1 x trees leaves not ruled out."""
        found: dict[int, tuple[Floats, Words]] = {}
        ruled_out = self._ruled_out()
        tree = np.repeat(np.arange(self.trees), np.diff(self.start))
        for feature in np.unique(self.feature[self.feature != LEAF]):
            nodes = np.flatnonzero(self.feature == feature)
            nodes = nodes[np.argsort(self.threshold[nodes], kind="stable")]
            words = np.full((len(nodes) + 1, self.trees), ALL_LEAVES)
            for place, node in enumerate(nodes):
                words[place + 1] = words[place]
                words[place + 1, tree[node]] &= ~ruled_out[node]
            found[int(feature)] = self.threshold[nodes], words
        return found

    @cached_property
    def leaf_values(self) -> Floats:
        """Of all leaves, tree by tree from left to right."""
        return self.value[self.feature == LEAF]

    @cached_property
    def _first_leaf(self) -> Ints:
        """By tree, the place of its first leaf among all."""
        return np.concatenate([[0], np.cumsum(self.feature == LEAF)])[self.start[:-1]]

    def _leaves(self, sets: Words) -> Ints:
        """The places among all leaves of the first of each set."""
        lowest = (sets & (~sets + np.uint64(1))).astype(np.float64)  # a power of 2, which a float holds exactly
        return np.asarray((lowest.view(np.int64) >> MANTISSA_BITS) + (self._first_leaf - EXPONENT_OF_ONE))

    def _ruled_out(self) -> Words:
        """By node, the leaves under its left child."""
        words = np.zeros(len(self.feature), dtype=np.uint64)
        before = np.concatenate([[0], np.cumsum(self.feature == LEAF)])
        for first, end in zip(self.start[:-1], self.start[1:], strict=True):
            for node in range(first, end):
                if self.feature[node] != LEAF:
                    low, high = (int(before[first + child[node]] - before[first]) for child in (self.left, self.right))
                    words[node] = (1 << high) - (1 << low)
        return words

    def covering(self, rows: Floats) -> Forest:
        """The same trees with the number of these rows that pass each node."""
        leaves = np.zeros(len(self.leaf_values))
        for sets in self.leaf_sets(rows):
            leaves += np.bincount(self._leaves(sets).ravel(), minlength=len(leaves))
        cover = np.zeros(len(self.feature))
        cover[self.feature == LEAF] = leaves
        for tree in range(self.trees):
            first = self.start[tree]
            for node in range(self.start[tree + 1] - 1, first - 1, -1):
                if self.feature[node] != LEAF:
                    cover[node] = cover[first + self.left[node]] + cover[first + self.right[node]]
        return replace(self, cover=cover)

    def contributions(self, rows: Floats) -> Floats:
        """Rows x features: Shapley values of the probability, which with `base` sum to it (`ml.purchase.shapley`)."""
        return contributions(self, rows)


def grown(trees: Sequence[Tree], rows: Floats) -> Forest:
    """The forest of these trees, learnt from these rows.

    Raises:
        ValueError: a tree has more than `MOST_LEAVES` leaves.
    """
    if any((tree.feature == LEAF).sum() > MOST_LEAVES for tree in trees):
        raise ValueError(f"a tree may have {MOST_LEAVES} leaves and no more")
    feature, threshold, left, right, value = (np.concatenate(parts) for parts in zip(*trees, strict=True))
    start = np.concatenate([[0], np.cumsum([len(tree.feature) for tree in trees])])
    return Forest(start, feature, threshold, left, right, value, np.zeros(len(feature))).covering(rows)
