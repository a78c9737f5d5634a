-- A failure means that somebody would be contacted on a channel without consent: stop every export, tell the privacy
-- officer.
select
    customer_id,
    contact_channels,
    consented_channels,
    is_contactable
from {{ ref('dim_consent') }}
where
    is_contactable != (coalesce(size(contact_channels), 0) > 0)
    or size(array_except(contact_channels, consented_channels)) > 0
