{# What is touched by what changed, table by table: the days, visits, people and orders whose rows may be others. #}

{# The visits of events that came, went or changed. #}
{% macro visits_changed() %}
    {%- if is_increment() -%}
        {{- return('select source, ' ~ visit_id() ~ ' as visit_id from ' ~ changes_of('silver.events')) -}}
    {%- endif -%}
{% endmacro %}

{#
  The days whose rows of activity may be others than at the last build, as `day`, and null:

    new days       since the day that the table is valid for
    changed rows   of any entity: the days that they leave and those that they come to
    visits         of a new day or a changed event: it may lend its customer to all events of its visit
    answers        since that day, to messages and tickets of before
    people         registered since, or listed otherwise: what their rows say is known of them
    things         listed otherwise: their category and cost
#}
{% macro days_of_changed_activity() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set day, before, kinds, entities = run_day(), day_before(), occurrence_kinds(), entities_with_activity() -%}
    {%- set parts = [
        'select explode(sequence(' ~ before ~ ' + 1, ' ~ day ~ ')) as day where ' ~ before ~ ' < ' ~ day
    ] -%}
    {%- set visits = [
        'select source, ' ~ visit_id() ~ ' as visit_id from silver.events where '
        ~ is_between_days('event_on')
    ] -%}
    {%- for entity in entities if since('silver.' ~ entity) is not none -%}
        {%- set changes = changes_of('silver.' ~ entity) -%}
        {%- if entity == 'events' -%}
            {%- do parts.append('select event_on as day from ' ~ changes) -%}
            {%- do visits.append(visits_changed()) -%}
        {%- elif entity != 'products' -%}
            {%- set columns = 'source, kind, occurred_on, ' ~ occurrence_columns() | join(', ') -%}
            {%- do parts.append(
                'select occurred_on as day from (select ' ~ columns ~ ', sum(_sign) as _more from ('
                ~ occurrences(entity, changes, ['_sign']) ~ ') group by ' ~ columns ~ ') where _more != 0'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if 'events' in entities -%}
        {%- do parts.append(
            'select event_on as day from silver.events left semi join (' ~ visits | join(' union all ')
            ~ ') as changed on events.source = changed.source'
            ~ ' and ' ~ visit_id('events') ~ ' = changed.visit_id'
        ) -%}
    {%- endif -%}
    {%- for entity in entities -%}
        {%- for column in kinds[entity].get('moved_by', []) -%}
            {%- do parts.append(
                'select ' ~ kinds[entity].occurred_on ~ ' as day from silver.' ~ entity ~ ' where '
                ~ is_between_days(column)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set of_people, of_things = {}, {'products': 'to_date(listed_at)'} -%}
    {%- for entity, brings in kinds.items() -%}
        {%- if 'is_known_customer' not in brings and 'customer_id' not in brings -%}
            {%- do of_people.update({entity: brings.occurred_on}) -%}
        {%- endif -%}
        {%- if 'product_id' in brings and entity != 'products' -%}
            {%- do of_things.update({entity: brings.occurred_on}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do parts.extend(days_of('customer', 'registered_at', 'customer_id, registered_at', of_people)) -%}
    {%- set told = 'source, product_id, brand, category_level_1, category_level_2, unit_cost, listed_at' -%}
    {%- do parts.extend(days_of('product', 'listed_at', told, of_things)) -%}
    {{- return(parts | join(' union all ')) -}}
{% endmacro %}

{# The condition that a time lies after the day that the table there is valid for, and not after the run's. #}
{% macro is_between_days(column) -%}
    to_date({{ column }}) > {{ day_before() }} and to_date({{ column }}) <= {{ run_day() }}
{%- endmacro %}

{#
  Selects of the days of those customers or products that appeared since, or whose `columns` are others.

  Args:
      placed: entity -> its day, for the entities whose rows of activity depend on what is listed of them.
#}
{% macro days_of(thing, appears_at, columns, placed) %}
    {%- set table, id = 'silver.' ~ thing ~ 's', thing ~ '_id' -%}
    {%- set others = 'select ' ~ id ~ ' from ' ~ table ~ ' where ' ~ is_between_days(appears_at) -%}
    {%- if since(table) is not none -%}
        {%- set others = others ~ ' union all select ' ~ id ~ ' from (' ~ changed_values(table, columns) ~ ')' -%}
    {%- endif -%}
    {%- do put_aside(thing, 'select distinct ' ~ id ~ ' from (' ~ others ~ ') where ' ~ id ~ ' is not null') -%}
    {%- set parts = [] -%}
    {%- if run_query('select count(*) from ' ~ aside(thing))[0][0] -%}
        {%- for entity, day in placed.items() if entity in entities_with_activity() -%}
            {%- do parts.append(
                'select ' ~ day ~ ' as day from silver.' ~ entity ~ ' as found left semi join ' ~ aside(thing)
                ~ ' as others on found.' ~ id ~ ' = others.' ~ id
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(parts) -}}
{% endmacro %}

{#
  Of silver.events the visits that have an event on a touched day, whole: who lends its customer to an anonymous event
  may have come on another day.
#}
{% macro of_visits_on_touched_days() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- do put_aside(
        'visits',
        'select distinct source, ' ~ visit_id() ~ ' as visit_id from silver.events where '
        ~ on_touched_days('event_on')
    ) -%}
    {{- return(
        'left semi join ' ~ aside('visits') ~ ' as visits on events.source = visits.source'
        ~ ' and ' ~ visit_id('events') ~ ' = visits.visit_id'
    ) -}}
{% endmacro %}

{# The days of rows of activity that came or went; all days where a source's ratings have another highest value now. #}
{% macro days_of_changed_interactions() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set version = since('gold.feat_activity') -%}
    {%- if version is none -%}{{- return('select cast(null as date) as day') -}}{%- endif -%}
    {%- if 'ratings' in entities_brought() -%}
        {%- set highest = "select source, max(value) from gold.feat_activity{} where kind = 'rating' group by source" -%}
        {%- set now, then = highest.format(''), highest.format(' version as of ' ~ version) -%}
        {%- set moved = '(' ~ now ~ ' except ' ~ then ~ ') union all (' ~ then ~ ' except ' ~ now ~ ')' -%}
        {%- if run_query('select count(*) from (' ~ moved ~ ')')[0][0] -%}{%- do note_of_model('whole', true) -%}{%- endif -%}
    {%- endif -%}
    {{- return('select occurred_on as day from ' ~ changes_of('gold.feat_activity')) -}}
{% endmacro %}

{#
  The impressions whose rows of feat_impressions may be others: those that came, went or changed; those shown after a
  changed one of the same creative or customer, or after a changed deed of the customer; those of customers who are
  described otherwise, or of a campaign that is.
#}
{% macro changed_impressions() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set impressions, activity = 'silver.impressions', 'gold.feat_activity' -%}
    {%- set affected = 'select shown.source, shown.impression_id from silver.impressions as shown inner join ({}) as changed on ' -%}
    {%- set parts = ['select source, impression_id from silver.impressions where ' ~ is_between_days('shown_at')] -%}
    {%- set customers = ['select customer_id from silver.customers where ' ~ is_between_days('registered_at')] -%}
    {%- set deeds = [] -%}
    {%- if since(impressions) is not none -%}
        {%- do parts.append('select source, impression_id from ' ~ changes_of(impressions)) -%}
        {%- set changed = changed_values(
            impressions, 'source, impression_id, creative_id, customer_id, shown_at, is_clicked'
        ) -%}
        {%- do put_aside('moved', changed) -%}
        {%- do parts.append(
            affected.format(
                'select creative_id, min(shown_at) as since_at from ' ~ aside('moved') ~ ' group by creative_id'
            ) ~ 'shown.creative_id <=> changed.creative_id and shown.shown_at > changed.since_at'
        ) -%}
        {%- do deeds.append('select customer_id, shown_at as occurred_at from ' ~ aside('moved')) -%}
    {%- endif -%}
    {%- if since(activity) is not none -%}
        {%- set columns = 'customer_id, kind, category_level_1, happening_id, is_purchase, occurred_at' -%}
        {%- do deeds.append(
            'select customer_id, occurred_at from (' ~ changed_values(activity, columns)
            ~ ") where kind in ('view', 'search', 'add_to_cart', 'order_line')"
        ) -%}
    {%- endif -%}
    {%- if deeds -%}
        {%- do parts.append(
            affected.format(
                'select customer_id, min(occurred_at) as since_at from (' ~ deeds | join(' union all ')
                ~ ') group by customer_id'
            ) ~ 'shown.customer_id = changed.customer_id and shown.shown_at > changed.since_at'
        ) -%}
    {%- endif -%}
    {%- if since('silver.customers') is not none -%}
        {%- set columns = 'source, customer_id, city, region, gender, birth_year, registered_at' -%}
        {%- do customers.append('select customer_id from (' ~ changed_values('silver.customers', columns) ~ ')') -%}
    {%- endif -%}
    {%- do parts.append(
        affected.format('select distinct customer_id from (' ~ customers | join(' union all ') ~ ')')
        ~ 'shown.customer_id = changed.customer_id'
    ) -%}
    {%- if since('silver.campaigns') is not none -%}
        {%- do parts.append(
            affected.format(changed_values('silver.campaigns', 'campaign_id, channel, objective'))
            ~ 'shown.campaign_id = changed.campaign_id'
        ) -%}
    {%- endif -%}
    {{- return(parts | join(' union all ')) -}}
{% endmacro %}

{# Who saw an impression: the customer, or somebody of whom nothing else is known. #}
{% macro viewer(relation) -%}
    coalesce({{ relation }}.customer_id, concat('impression ', {{ relation }}.impression_id))
{%- endmacro %}

{# Whether a moment is not before that of the first touched impression. #}
{% macro is_since_first_touched(moment) %}
    {%- if not is_increment() -%}{{- return('true') -}}{%- endif -%}
    {{- return('(' ~ moment ~ ' >= (select min(first_moment) from ' ~ aside('viewers') ~ '))') -}}
{% endmacro %}

{# Puts aside the people who saw a touched impression, with the moment of the first. #}
{% macro put_viewers_aside() %}
    {%- if is_increment() -%}
        {%- do put_aside(
            'viewers',
            'select ' ~ viewer('shown') ~ ' as person, min(unix_micros(shown.shown_at)) as first_moment'
            ~ ' from silver.impressions as shown' ~ only_touched('shown') ~ ' group by ' ~ viewer('shown')
        ) -%}
    {%- endif -%}
{% endmacro %}

{# Leaves of a relation only the rows of viewers of touched impressions, given who a row is of. #}
{% macro only_viewers(person) %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {{- return('left semi join ' ~ aside('viewers') ~ ' as viewers on ' ~ person ~ ' = viewers.person') -}}
{% endmacro %}

{# Customers of rows of activity that came, went or changed. #}
{% macro customers_with_changed_activity() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set activity = 'gold.feat_activity' -%}
    {%- if since(activity) is none -%}{{- return('select cast(null as string) as customer_id') -}}{%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(ref('feat_activity')) | map(attribute='quoted') | join(', ') -%}
    {{- return(
        'select customer_id from (' ~ changed_values(activity, columns) ~ ') where customer_id is not null'
    ) -}}
{% endmacro %}

{# Customers whose interactions are others, or who interacted with a thing that is listed otherwise. #}
{% macro customers_with_changed_tags() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set interactions, products = 'gold.feat_interactions', 'gold.feat_product' -%}
    {%- set parts = ['select cast(null as string) as customer_id'] -%}
    {%- if since(interactions) is not none -%}
        {%- set columns = 'customer_id, product_id, interacted_on, view_count, cart_count, purchase_count, rating' -%}
        {%- do parts.append('select customer_id from (' ~ changed_values(interactions, columns) ~ ')') -%}
    {%- endif -%}
    {%- if since(products) is not none -%}
        {%- do parts.append(
            'select found.customer_id from gold.feat_interactions as found left semi join ('
            ~ changed_values(products, 'product_id, category, brand')
            ~ ') as others on found.product_id = others.product_id'
        ) -%}
    {%- endif -%}
    {{- return(parts | join(' union all ')) -}}
{% endmacro %}

{#
  Whose orders may be others: the customers of changed lines, and of all lines of their orders, for an order's customer
  is found among them and its place among the customer's orders; an order of nobody is its own.
#}
{% macro owners_of_changed_orders() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {%- set lines, products = 'silver.order_lines', 'silver.products' -%}
    {%- set changed = [] -%}
    {%- if since(lines) is not none -%}
        {%- do changed.append('select source, order_id, customer_id from ' ~ changes_of(lines)) -%}
    {%- endif -%}
    {%- if since(products) is not none -%}
        {%- do changed.append(
            'select found.source, found.order_id, found.customer_id from silver.order_lines as found left semi join ('
            ~ changed_values(products, 'source, product_id, unit_cost')
            ~ ') as costs on found.source = costs.source and found.product_id = costs.product_id'
        ) -%}
    {%- endif -%}
    {%- if not changed -%}{{- return('select cast(null as string) as owner') -}}{%- endif -%}
    {%- do put_aside('lines', changed | join(' union all ')) -%}
    {%- set owner = model.config.meta.touched.owner -%}
    {{- return(
        'select customer_id as owner from ' ~ aside('lines') ~ ' where customer_id is not null union all select '
        ~ owner.replace('row.customer_id', 'cast(null as string)').replace('row.', '') ~ ' from ' ~ aside('lines')
        ~ ' union all select ' ~ owner.replace('row.', 'found.') ~ ' from silver.order_lines as found left semi join '
        ~ aside('lines') ~ ' as lines on found.source = lines.source and found.order_id = lines.order_id'
    ) -}}
{% endmacro %}

{# Of silver.order_lines the orders, whole, that may be an owner's who was touched. #}
{% macro of_touched_orders() %}
    {%- if not is_increment() -%}{{- return('') -}}{%- endif -%}
    {{- return(
        'left semi join (select found.source, found.order_id from silver.order_lines as found'
        ~ only_touched('found') ~ ') as touched_orders on order_lines.source = touched_orders.source'
        ~ ' and order_lines.order_id = touched_orders.order_id'
    ) -}}
{% endmacro %}
