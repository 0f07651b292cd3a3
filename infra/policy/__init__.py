"""Plans, depots, lanes, services, products and thresholds: reviewed YAML, validated on load.

`model` holds the frozen values that rules may read; `pack` reads a folder of files into them, by default the shipped
example in `pack/`; `questions` looks things up in them. Called by `tasks` and `flows.cli`.

Decision: a scalar stays the text that was written until a rule reads it. YAML's own types would make the country `NO`
false, the cut-off `15:00` nine hundred and the prefix `07` seven.
Decision: a carrier's holiday list says how far it reaches (`through`), and an expired one does not load: counting
silently on days nobody has looked at is how a promise breaks on New Year's Day.
"""
