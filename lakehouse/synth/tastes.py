"""The choice of products: a softmax over the whole catalogue, one distribution per person.

    utility  u(c, p) = 4.5 * theta_c . phi_p[topics] + 0.75 * theta_c . phi_p[styles] + g_p - 0.8 s_c * r_p
    P(c looks at p) = exp u(c, p) / sum_q exp u(c, q)

with `theta` the taste, `phi` the product vector, `g` the popularity, `s` the price sensitivity and `r` the
log price relative to the leaf category. Within a session a later look stays in the category of the one
before with probability STAY_IN_LEAF, there by popularity alone.
"""

from __future__ import annotations

import numpy as np

from lakehouse.synth.arrays import Floats, Ints
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.population import K_TOPIC, Population

TOPIC_WEIGHT = 4.5
STYLE_WEIGHT = 0.75
PRICE_WEIGHT = 0.8
STAY_IN_LEAF = 0.35
BLOCK_CELLS = 3_000_000  #: people x products per block; bounds memory to some 60 MB


def utilities(population: Population, catalogue: Catalogue, people: Ints) -> Floats:
    """(people, products) matrix of utilities."""
    weight = np.where(np.arange(catalogue.vector.shape[1]) < K_TOPIC, TOPIC_WEIGHT, STYLE_WEIGHT)
    taste = (population.taste[people] * weight) @ catalogue.vector.T
    price = PRICE_WEIGHT * np.outer(population.price_sensitivity[people], catalogue.relative_price)
    result: Floats = taste + catalogue.popularity - price
    return result


def affinity(population: Population, catalogue: Catalogue, people: Ints, products: Ints) -> Floats:
    """theta_c . phi_p for pairs (both parts weighted as in the utility)."""
    weight = np.where(np.arange(catalogue.vector.shape[1]) < K_TOPIC, TOPIC_WEIGHT, STYLE_WEIGHT)
    result: Floats = np.einsum("ij,ij->i", population.taste[people] * weight, catalogue.vector[products])
    return result


def choose_products(rng: np.random.Generator, population: Population, catalogue: Catalogue, who: Ints) -> Ints:
    """A product for each entry of `who` (person indices in ascending order) by the softmax above."""
    chosen = np.empty(len(who), dtype=np.int64)
    products = len(catalogue)
    block = max(1, BLOCK_CELLS // products)
    people = len(population.segment)
    edges = np.searchsorted(who, np.arange(0, people + block, block))
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        if low == high:
            continue
        first = number * block
        members = np.arange(first, min(first + block, people))
        utility = utilities(population, catalogue, members)
        utility -= utility.max(axis=1, keepdims=True)
        cumulative = np.cumsum(np.exp(utility), axis=1)
        cumulative /= cumulative[:, -1:]
        # One sorted search for the whole block: row i occupies the interval (i, i + 1].
        cumulative += np.arange(len(members))[:, None]
        row = who[low:high] - first
        place = np.searchsorted(cumulative.ravel(), row + rng.random(high - low), side="right")
        chosen[low:high] = np.minimum(place, row * products + products - 1) - row * products
    return chosen


def choose_in_leaf(rng: np.random.Generator, catalogue: Catalogue, leaf: Ints) -> Ints:
    """A product of each given leaf category by popularity (products are sorted by leaf)."""
    weight = np.exp(catalogue.popularity)
    cumulative = np.r_[0.0, np.cumsum(weight)]
    first = np.searchsorted(catalogue.leaf, leaf, side="left")
    last = np.searchsorted(catalogue.leaf, leaf, side="right")
    target = cumulative[first] + rng.random(len(leaf)) * (cumulative[last] - cumulative[first])
    return np.clip(np.searchsorted(cumulative, target, side="right") - 1, first, last - 1).astype(np.int64)
