from lakehouse.sql_server.comments import gold_comments
from lakehouse.sql_server.gold import fitting


def test_the_smallest_tables_are_kept_as_long_as_there_is_room() -> None:
    assert fitting({"a": 50, "b": 10, "c": 30}, 45) == {"b", "c"}
    assert fitting({"a": 50, "b": 10, "c": 30}, 9) == set()
    assert fitting({}, 100) == set()


def test_tables_and_columns_have_the_words_of_their_yaml_on_one_line() -> None:
    comments = gold_comments()
    assert comments["dim_customer"]
    assert comments["dim_customer.customer_id"]
    assert not any("\n" in text for text in comments.values())
