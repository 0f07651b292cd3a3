"""Plans, depots, lanes, services, products and thresholds: reviewed YAML, validated on load.

`model` holds the frozen values that rules may read; `pack` reads the files. Called by `tasks` and `flows.cli`.
"""
