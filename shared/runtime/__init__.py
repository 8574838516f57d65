"""
What every process uses: `settings` from the environment, `logs`, `metrics`, `clock`, `errors`, ids, and
`background`, the one way to run work beside the requests. Start with `errors`: it says which errors may be
retried.
"""
