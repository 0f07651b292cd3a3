"""The record: what the company owns and remembers, in SQLAlchemy.

`engine` opens a database (SQLite embedded, PostgreSQL by URL), `records` are the tables, `migrations` their history.
Sessions and records never leave the step that opened them.
"""
