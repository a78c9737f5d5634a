"""Consents, and the e-mails, texts and pushes that go to those who gave them.

    P(opened)  = open rate of the channel * engagement of the segment (0 after churn)
    P(clicked) = 0.30 of the opened for e-mail, 0.22 for texts, 0.25 for pushes, times 0.5 + top taste share

A click starts a session; whether it buys is decided there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.synth.advertising import AD_CAMPAIGNS, CAMPAIGNS, running
from lakehouse.synth.arrays import Bools, Floats, Ints, pick_per_row
from lakehouse.synth.population import DORMANT, K_TOPIC, Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar, fire

CONSENT_CHANNELS = ("email", "sms", "push")
GRANT_SHARES = (0.72, 0.58, 0.48)
REVOKED_SHARE = 0.07
CONSENT_ORIGINS = ("registration_form", "app_settings", "call_centre")
SENDS_PER_YEAR = 7.0
OPEN_RATES = np.array([0.34, 0.62, 0.22])
CLICK_RATES = np.array([0.30, 0.22, 0.25])
COSTS = np.array([0.02, 0.06, 0.01])
ENGAGEMENT = np.array([1.35, 1.15, 0.85, 1.0, 0.45])  #: by segment
NEVER = np.int64(2**62)


@dataclass(frozen=True)
class Consents:
    """One entry per statement of a customer, and the interval in which messages of a channel are allowed."""

    who: Ints
    channel: Ints
    changed_s: Ints
    is_granted: Bools
    origin: Ints
    allowed_from: Ints  #: (customers, channels) local seconds; NEVER when not granted
    allowed_to: Ints


@dataclass(frozen=True)
class Sends:
    """One entry per message, in time order; times in local seconds, -1 for "never"."""

    who: Ints
    campaign: Ints
    channel: Ints
    sent_s: Ints
    opened_s: Ints
    clicked_s: Ints


def make_consents(rng: np.random.Generator, calendar: Calendar, population: Population) -> Consents:
    """Every customer is asked about each channel at registration; some take their consent back later."""
    n, channels = population.customers, len(CONSENT_CHANNELS)
    asked = np.flatnonzero(~population.is_silent[:n])
    registered = population.registered_s[:n]
    granted = rng.random((n, channels)) < np.array(GRANT_SHARES)
    room = np.maximum(calendar.end_s - registered - 2 * DAY_SECONDS, 1)
    revoked_s = registered[:, None] + DAY_SECONDS + (rng.random((n, channels)) * room[:, None]).astype(np.int64)
    is_revoked = granted & (rng.random((n, channels)) < REVOKED_SHARE) & (room[:, None] > DAY_SECONDS)

    who = np.repeat(asked, channels)
    channel = np.tile(np.arange(channels), len(asked))
    later = is_revoked[who, channel]
    all_who, all_channel = np.r_[who, who[later]], np.r_[channel, channel[later]]
    changed = np.r_[registered[who] + 30, revoked_s[who, channel][later]]
    is_granted = np.r_[granted[who, channel], np.zeros(int(later.sum()), dtype=np.bool_)]
    origin = np.r_[np.zeros(len(who), dtype=np.int64), rng.integers(1, 3, int(later.sum()))]
    order = np.lexsort((changed, all_channel, all_who))
    is_silent = population.is_silent[:n, None]
    return Consents(
        all_who[order], all_channel[order], changed[order], is_granted[order], origin[order],
        np.where(granted & ~is_silent, registered[:, None] + 60, NEVER),
        np.where(is_revoked, revoked_s, NEVER),
    )  # fmt: skip


def make_sends(rng: np.random.Generator, calendar: Calendar, population: Population, consents: Consents) -> Sends:
    """Draw the messages and what their readers do with them."""
    n = population.customers
    everyone = np.full(n, float(calendar.days))
    who, day = fire(rng, calendar, np.full(n, SENDS_PER_YEAR / 365.0 * 1.6), population.active_from[:n], everyone)
    sent = calendar.start_s + day * DAY_SECONDS + rng.integers(9 * 3600, 20 * 3600, len(who))
    weight = running(calendar)[:, AD_CAMPAIGNS:] * np.array([c.weight for c in CAMPAIGNS[AD_CAMPAIGNS:]])
    by_person = np.ones((len(who), len(CAMPAIGNS) - AD_CAMPAIGNS))
    by_person[:, -1] = np.where(population.segment[who] == DORMANT, 4.0, 0.25)  # win-back goes to the quiet
    message = pick_per_row(rng, weight[day] * by_person)
    channel = np.array([CONSENT_CHANNELS.index(c.channel) for c in CAMPAIGNS[AD_CAMPAIGNS:]])[message]
    allowed = (sent >= consents.allowed_from[who, channel]) & (sent < consents.allowed_to[who, channel])
    who, sent, message, channel = who[allowed], sent[allowed], message[allowed], channel[allowed]
    order = np.lexsort((who, sent))
    who, sent, message, channel = who[order], sent[order], message[order], channel[order]

    gone = (sent - calendar.start_s) / DAY_SECONDS >= population.active_to[who]
    engagement: Floats = np.where(gone, 0.0, ENGAGEMENT[population.segment[who]])
    opened = rng.random(len(who)) < np.minimum(0.95, OPEN_RATES[channel] * engagement)
    opened_s = sent + 20 + rng.exponential(2.5 * 3600, len(who)).astype(np.int64)
    appeal = 0.5 + population.taste[who, :K_TOPIC].max(axis=1)
    clicked = opened & (rng.random(len(who)) < CLICK_RATES[channel] * appeal)
    clicked_s = opened_s + 4 + rng.exponential(60.0, len(who)).astype(np.int64)
    # A session that a click starts shall end on its own day, and nothing happens after the window.
    opened &= opened_s < calendar.end_s
    clicked &= opened & (clicked_s < calendar.end_s - 1800) & (clicked_s % DAY_SECONDS < 23 * 3600)
    return Sends(
        who,
        message + AD_CAMPAIGNS,
        channel,
        sent,
        np.where(opened, opened_s, -1),
        np.where(clicked, clicked_s, -1),
    )
