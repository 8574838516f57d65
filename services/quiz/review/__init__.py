"""
Review: after the close, participants see their own answers beside the key.

Start at rules.py; api.py has the one route.
"""
