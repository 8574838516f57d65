"""
Awards in numbers: how many are held, revoked or superseded, by scheme, tier, kind, district, unit and
audience.

They count what is stored now, and store nothing. Start with `rules.py`: which cells are hidden. `store.py`
counts, `count.py` says how often.
"""
