"""Request files as partners would send them, good ones and bad ones: for the demo, the tests and the benchmarks.

`world` holds the places and names, `draw` makes requests, `dirt` spoils some, `writing` writes the files.
Called by `dispatch demo`, stories and benchmarks. People and companies are invented; towns and postal codes are real.
"""
