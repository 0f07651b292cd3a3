"""The ground floor: everything that touches the outside, and the record.

Nothing here imports upward (`flows`, `tasks`, `carriers`, `calendars`); import-linter holds that in the test suite.
"""
