"""UPS, directly over its REST API (Shipping v2409, Label Recovery v1, Tracking v1, OAuth client credentials)."""
