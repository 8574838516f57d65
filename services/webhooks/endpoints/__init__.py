"""
Endpoints: where partners want which events, their secrets, and whether they take them.

Start with `rules.py`: what an endpoint is, when it is disabled, and how its secrets are rotated.
"""
