"""`source.yml`: how the exports of the sample map to the lakehouse's entities."""

from __future__ import annotations

from pathlib import Path

FIRST_LINE = "# The generated sample shop. Every file is what one of its systems would export; nothing here is real."
SOURCE_YML = f"""\
{FIRST_LINE}
name: sample
timezone: Asia/Shanghai        # of times that carry none
currency: CNY
entities:
  customers:
    key: [customer_id]
    path: crm/customers.csv
    columns:
      customer_id: cust_no
      full_name: name
      phone: mobile
      email: email
      id_card: id_no
      gender: case sex when 'F' then 'female' when 'M' then 'male' end
      birth_on: birthday
      address: addr
      city: city
      region: province
      country: country
      latitude: lat
      longitude: lng
      registered_at: reg_time
      language: lang
    attributes:
      registration_channel: reg_channel
      occupation: occupation
  products:
    key: [product_id]
    path: catalog/products.csv
    columns:
      product_id: sku
      title: product_name
      category: category
      brand: brand
      unit_price: list_price
      unit_cost: cost_price
      listed_at: launch_date
    attributes:
      colour: colour
  order_lines:
    key: [order_id, line_number]
    path: orders/orders-*.csv.gz
    columns:
      order_id: order_no
      line_number: line_no
      customer_id: cust_no
      product_id: sku
      ordered_at: order_time
      quantity: qty
      unit_price: price
      discount_amount: discount_amt
      is_cancelled: status = 'cancelled'
      channel: sale_channel
      store_id: store_code
      campaign_id: campaign_code
    attributes:
      payment_method: pay_method
      original_order_id: orig_order_no
      original_line_number: orig_line_no
  events:
    key: [event_id]
    path: app/events-*.jsonl.gz
    columns:
      event_id: event_id
      customer_id: uid
      anonymous_id: anon_id
      session_id: sid
      event_type: >-
        case event when 'page_view' then 'view' when 'add_cart' then 'add_to_cart'
        when 'remove_cart' then 'remove_from_cart' when 'pay' then 'purchase' else event end
      product_id: sku
      query: kw
      event_at: ts
      url: page
      referrer: referrer
      device_type: device
      channel: channel
    attributes:
      order_id: order_no
  impressions:
    key: [impression_id]
    path: ads/impressions-*.parquet
    columns:
      impression_id: imp_id
      customer_id: user_id
      campaign_id: campaign
      creative_id: creative
      slot_id: slot
      shown_at: ts
      is_clicked: clicked
      device_type: device
      region: province
      cost_amount: cost_fen / 100
    attributes:
      creative_category: ad_category
      creative_format: ad_format
      audience: audience
  campaigns:
    key: [campaign_id]
    path: ads/campaigns.csv
    columns:
      campaign_id: campaign_code
      name: campaign_name
      channel: media
      objective: goal
      starts_on: start_date
      ends_on: end_date
      budget_amount: budget
  sends:
    key: [send_id]
    path: crm/sends.csv
    delimiter: ";"
    columns:
      send_id: send_no
      campaign_id: campaign_code
      customer_id: cust_no
      channel: channel
      sent_at: send_time
      opened_at: open_time
      clicked_at: click_time
      converted_at: convert_time
      cost_amount: cost
      revenue_amount: revenue
  tickets:
    key: [ticket_id]
    path: service/tickets.jsonl
    columns:
      ticket_id: ticket_no
      customer_id: cust_no
      opened_at: open_time
      closed_at: close_time
      subject: title
      body: content
      channel: via
      satisfaction: score
  memberships:
    key: [customer_id, started_on]
    path: crm/memberships.csv
    columns:
      customer_id: cust_no
      started_on: valid_from
      tier: level
      expires_on: valid_to
      points: points
  consents:
    key: [customer_id, purpose, channel, changed_at]
    path: crm/consents.csv
    columns:
      customer_id: cust_no
      purpose: purpose
      channel: channel
      changed_at: changed
      is_granted: granted = 'Y'
      origin: origin
  partner_members:
    key: [partner_id, member_id]
    path: partners/members.csv
    delimiter: "|"
    columns:
      partner_id: Partner
      member_id: Member No
      full_name: Member Name
      phone: Mobile
      email: E-mail
      joined_on: Join Date
  third_party_profiles:
    key: [provider, profile_id]
    path: partners/third_party_profiles.jsonl
    columns:
      provider: provider
      profile_id: profile
      phone: mobile
      email: mail
      interests: interests
      age_band: age_band
      income_band: income_band
  locations:
    key: [customer_id, seen_at]
    path: app/locations.parquet
    columns:
      customer_id: device_user
      seen_at: seen
      latitude: lat
      longitude: lng
      dwell_seconds: dwell_s
  stores:
    key: [store_id]
    path: stores/stores.csv
    columns:
      store_id: store_code
      name: store_name
      latitude: lat
      longitude: lng
"""


def write_source_file(directory: Path) -> Path:
    """Write `source.yml` into the sample's directory; returns its path."""
    path = directory / "source.yml"
    path.write_text(SOURCE_YML, encoding="utf-8")
    return path
