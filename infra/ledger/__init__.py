"""The ledger: what makes running a step twice, or never, harmless.

`claims` says who may advance a row, `changes` how it is advanced (guarded and audited in one transaction), `audit`
keeps the hash chain, `references` makes the reference a carrier is given. Called by `tasks`, inside its transactions.
"""
