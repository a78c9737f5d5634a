"""The catalogue of entities: what a source may bring, as data.

Types are those of silver: `timestamp` is UTC, money is decimal(18,2) (`*_amount`) or decimal(18,4) (unit
prices). What is added here is known to source files, to bronze and to whoever reads the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

MONEY = "decimal(18,2)"
UNIT_MONEY = "decimal(18,4)"


@dataclass(frozen=True)
class Column:
    """One of our columns: its type in silver and what it means."""

    type: str
    description: str


@dataclass(frozen=True)
class Entity:
    """One kind of thing a source can bring.

    `key` identifies a row; `derivable` are key columns a source may leave out: silver can number them.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    derivable: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a source must map."""
        return tuple(column for column in self.key if column not in self.derivable)


def _entity(
    name: str, description: str, key: str, columns: dict[str, tuple[str, str]], derivable: str = ""
) -> tuple[str, Entity]:
    typed = {column: Column(*about) for column, about in columns.items()}
    return name, Entity(name, description, tuple(key.split()), typed, tuple(derivable.split()))


CUSTOMER_ID = ("string", "The customer, as the source names them.")
PRODUCT_ID = ("string", "The product, as the source names it.")
CAMPAIGN_ID = ("string", "The campaign that led to this row.")
STORE_ID = ("string", "The shop on the street.")
CHANNEL = ("string", "Where it happened: web, app, store, email, sms, push, phone, …")
DEVICE = ("string", "Kind of device: mobile, desktop, tablet, …")
FULL_NAME = ("string", "Name as written by the person.")
PHONE = ("string", "Phone number in any form; silver shows its ends only.")
EMAIL = ("string", "E-mail address.")
LATITUDE = ("double", "Degrees north, WGS 84.")
LONGITUDE = ("double", "Degrees east, WGS 84.")
REGION = ("string", "State, province or region.")

ENTITIES: dict[str, Entity] = dict(
    [
        _entity(
            "customers",
            "A row per customer.",
            "customer_id",
            {
                "customer_id": CUSTOMER_ID,
                "full_name": FULL_NAME,
                "phone": PHONE,
                "email": EMAIL,
                "id_card": ("string", "Identity card number; silver says only that there is one."),
                "gender": ("string", "female, male or unknown."),
                "birth_on": ("date", "Date of birth."),
                "address": ("string", "Street address."),
                "city": ("string", "City."),
                "region": REGION,
                "country": ("string", "Country, name or ISO code."),
                "latitude": LATITUDE,
                "longitude": LONGITUDE,
                "registered_at": ("timestamp", "When the account was opened."),
                "language": ("string", "Preferred language, ISO 639-1."),
            },
        ),
        _entity(
            "products",
            "A row per product.",
            "product_id",
            {
                "product_id": PRODUCT_ID,
                "title": ("string", "What the shop calls it."),
                "category": ("string", "Path in the category tree: A > B > C."),
                "brand": ("string", "Brand or maker."),
                "unit_price": (UNIT_MONEY, "List price of one."),
                "unit_cost": (UNIT_MONEY, "What one costs the shop."),
                "listed_at": ("timestamp", "When it first went on sale."),
            },
        ),
        _entity(
            "order_lines",
            "A row per line of an order; returns have a negative quantity.",
            "order_id line_number",
            {
                "order_id": ("string", "The order (invoice, basket)."),
                "line_number": ("int", "Place in the order; where absent, the row's number in its file."),
                "customer_id": CUSTOMER_ID,
                "product_id": PRODUCT_ID,
                "ordered_at": ("timestamp", "When the order was placed."),
                "quantity": ("int", "Pieces; negative for a return."),
                "unit_price": (UNIT_MONEY, "Price of one piece as charged, before the line's discount."),
                "discount_amount": (MONEY, "Discount of the whole line, as a positive amount."),
                "is_cancelled": ("boolean", "The line was cancelled."),
                "channel": CHANNEL,
                "store_id": STORE_ID,
                "campaign_id": CAMPAIGN_ID,
            },
            derivable="line_number",
        ),
        _entity(
            "events",
            "A row per act on the site or in the app.",
            "event_id",
            {
                "event_id": ("string", "The event."),
                "customer_id": CUSTOMER_ID,
                "anonymous_id": ("string", "Cookie or device id before log-in."),
                "session_id": ("string", "The visit."),
                "event_type": (
                    "string",
                    "view, search, add_to_cart, remove_from_cart, checkout or purchase.",
                ),
                "product_id": PRODUCT_ID,
                "query": ("string", "What was searched for."),
                "event_at": ("timestamp", "When it happened."),
                "url": ("string", "Page."),
                "referrer": ("string", "Page before."),
                "device_type": DEVICE,
                "channel": CHANNEL,
            },
        ),
        _entity(
            "impressions",
            "A row per ad shown.",
            "impression_id",
            {
                "impression_id": ("string", "The impression."),
                "customer_id": CUSTOMER_ID,
                "campaign_id": CAMPAIGN_ID,
                "creative_id": ("string", "What was shown."),
                "slot_id": ("string", "Where on the page or in the app."),
                "shown_at": ("timestamp", "When it was shown."),
                "is_clicked": ("boolean", "It was clicked."),
                "device_type": DEVICE,
                "region": REGION,
                "cost_amount": (MONEY, "What the impression cost."),
            },
        ),
        _entity(
            "campaigns",
            "A row per campaign.",
            "campaign_id",
            {
                "campaign_id": ("string", "The campaign."),
                "name": ("string", "Its name."),
                "channel": CHANNEL,
                "objective": ("string", "What it is for: acquisition, retention, win-back, …"),
                "starts_on": ("date", "First day."),
                "ends_on": ("date", "Last day."),
                "budget_amount": (MONEY, "Money set aside."),
            },
        ),
        _entity(
            "sends",
            "A row per message sent to a customer.",
            "send_id",
            {
                "send_id": ("string", "The message."),
                "campaign_id": CAMPAIGN_ID,
                "customer_id": CUSTOMER_ID,
                "channel": CHANNEL,
                "sent_at": ("timestamp", "When it went out."),
                "opened_at": ("timestamp", "When it was opened first."),
                "clicked_at": ("timestamp", "When it was clicked first."),
                "converted_at": ("timestamp", "When it led to an order or a redemption."),
                "cost_amount": (MONEY, "What the message cost."),
                "revenue_amount": (MONEY, "Revenue ascribed to it."),
            },
        ),
        _entity(
            "tickets",
            "A row per service request.",
            "ticket_id",
            {
                "ticket_id": ("string", "The ticket."),
                "customer_id": CUSTOMER_ID,
                "opened_at": ("timestamp", "When it was opened."),
                "closed_at": ("timestamp", "When it was closed."),
                "subject": ("string", "Subject line."),
                "body": ("string", "What the customer wrote."),
                "channel": CHANNEL,
                "satisfaction": ("double", "The customer's mark, 1 (worst) to 5."),
            },
        ),
        _entity(
            "memberships",
            "A row per customer and membership period.",
            "customer_id started_on",
            {
                "customer_id": CUSTOMER_ID,
                "started_on": ("date", "First day of the period."),
                "tier": ("string", "Level, such as silver or gold."),
                "expires_on": ("date", "Last day of the period."),
                "points": ("bigint", "Points on the account."),
            },
        ),
        _entity(
            "consents",
            "A row per change of a consent.",
            "customer_id purpose channel changed_at",
            {
                "customer_id": CUSTOMER_ID,
                "purpose": ("string", "What the data may be used for."),
                "channel": CHANNEL,
                "changed_at": ("timestamp", "When it was given or taken back."),
                "is_granted": ("boolean", "Given (true) or taken back (false)."),
                "origin": ("string", "Where it was expressed."),
            },
        ),
        _entity(
            "suppressions",
            "A row per customer who is contacted by nobody for any marketing, whatever they consented to.",
            "customer_id",
            {
                "customer_id": CUSTOMER_ID,
                "suppressed_at": ("timestamp", "When they were put on the list."),
                "reason": ("string", "Why: asked for it, deceased, complaint, dispute, …"),
            },
        ),
        _entity(
            "partner_members",
            "A row per member of a partner's programme.",
            "partner_id member_id",
            {
                "partner_id": ("string", "The partner."),
                "member_id": ("string", "The member, as the partner names them."),
                "full_name": FULL_NAME,
                "phone": PHONE,
                "email": EMAIL,
                "joined_on": ("date", "First day as a member."),
            },
        ),
        _entity(
            "third_party_profiles",
            "A row per profile bought or exchanged.",
            "provider profile_id",
            {
                "provider": ("string", "Who supplied it."),
                "profile_id": ("string", "The profile, as the provider names it."),
                "phone": PHONE,
                "email": EMAIL,
                "interests": ("string", "Interests, separated by |."),
                "age_band": ("string", "Such as 25-34."),
                "income_band": ("string", "Such as 35-49K."),
            },
        ),
        _entity(
            "locations",
            "A row per place and time a customer's device was seen.",
            "customer_id seen_at",
            {
                "customer_id": CUSTOMER_ID,
                "seen_at": ("timestamp", "When the stay began."),
                "latitude": LATITUDE,
                "longitude": LONGITUDE,
                "dwell_seconds": ("bigint", "How long it stayed."),
            },
        ),
        _entity(
            "stores",
            "A row per shop on the street.",
            "store_id",
            {
                "store_id": STORE_ID,
                "name": ("string", "Its name."),
                "latitude": LATITUDE,
                "longitude": LONGITUDE,
            },
        ),
        _entity(
            "store_traffic",
            "A row per store and count of visitors.",
            "store_id counted_at",
            {
                "store_id": STORE_ID,
                "counted_at": ("timestamp", "When the counting period began."),
                "visitor_count": ("bigint", "People who came in."),
            },
        ),
        _entity(
            "inventory",
            "A row per store, product and day of stock-taking.",
            "store_id product_id counted_on",
            {
                "store_id": STORE_ID,
                "product_id": PRODUCT_ID,
                "counted_on": ("date", "Day of the count."),
                "on_hand_count": ("bigint", "Pieces in stock."),
            },
        ),
        _entity(
            "accounts",
            "A row per financial account.",
            "account_id",
            {
                "account_id": ("string", "The account."),
                "customer_id": CUSTOMER_ID,
                "account_type": ("string", "Such as savings, credit card, loan."),
                "opened_on": ("date", "Day of opening."),
                "credit_limit_amount": (MONEY, "Credit granted."),
                "due_on": ("date", "Day the next payment is due."),
                "paid_on": ("date", "Day it was paid."),
            },
        ),
        _entity(
            "holdings",
            "A row per account, product and day.",
            "account_id product_id as_of_on",
            {
                "account_id": ("string", "The account."),
                "product_id": PRODUCT_ID,
                "as_of_on": ("date", "Day of the balance."),
                "balance_amount": (MONEY, "Balance."),
            },
        ),
        _entity(
            "ratings",
            "A row per customer and product rated.",
            "customer_id product_id",
            {
                "customer_id": CUSTOMER_ID,
                "product_id": PRODUCT_ID,
                "rating": ("double", "The mark, on the source's scale."),
                "rated_at": ("timestamp", "When it was given."),
            },
        ),
    ]
)
