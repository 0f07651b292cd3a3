"""The verbs: one step of a wave each; one transaction, at most one outside effect.

Step modules never import one another: only flows compose. What a step has at hand is `tasks.desk`.
Plain functions stand here; `flows` wraps them as Prefect tasks, so that a test or a benchmark calls them bare.
"""
