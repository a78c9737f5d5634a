"""SQL for people: a Spark Thrift Server over gold as published, in two roles (docs/sql.md, decision 24)."""
