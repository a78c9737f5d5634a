{#
  How much a tag says of a customer (Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval"):

    weight = tf x idf,  tf = interactions with the tag / interactions with any tag,  idf = ln(customers / customers with it)

  1 of 3 views, of a tag that 10,001 of 100,000 customers have: 1/3 x ln(100,000 / 10,001) = 0.7675. A tag that everybody
  has weighs 0. scikit-learn's TfidfTransformer(smooth_idf=False, norm=None) is count x (idf + 1), so that its value less
  the count, over the customer's interactions with any tag, is this weight (benchmarks/evaluations/tags.py).
#}
{% macro tf_idf(tag_count, all_tag_count, tag_customer_count, customer_count) -%}
    {{ term_frequency(tag_count, all_tag_count) }} * {{ inverse_document_frequency(tag_customer_count, customer_count) }}
{%- endmacro %}

{% macro term_frequency(tag_count, all_tag_count) -%}
    (cast({{ tag_count }} as double) / {{ all_tag_count }})
{%- endmacro %}

{% macro inverse_document_frequency(tag_customer_count, customer_count) -%}
    ln(cast({{ customer_count }} as double) / {{ tag_customer_count }})
{%- endmacro %}
