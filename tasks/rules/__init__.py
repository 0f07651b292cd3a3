"""Judgement: pure. Facts, the day and the policy in; a decision with its reason out.

No clock, no database, no network. `infra.policy` is the only thing of the ground floor a rule may read: its values
are frozen, and restating them here would be a second truth.
"""
