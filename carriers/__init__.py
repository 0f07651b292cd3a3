"""Freight: what carriers are asked and what they answer.

Self-contained: no clock, no database, no settings; credentials and deadlines arrive as arguments.
One folder per carrier: `outgoing.py` (ours to theirs), `incoming.py` (theirs to ours), `client.py` (HTTP),
`codes.csv` (their words, our words).
"""
