"""The stories: what happens, in order. Assignments, one `if`, one loop; no classes, no SQL, no HTTP.

Verb phrases as file names, because a path entrypoint puts this folder in front of `sys.path`. Schedules stand in
`flows.deployments` alone.
"""
