"""
Check-in: a ticket is scanned at the door, and its people are let in.

A scan is judged at once (`check_in.py`), or later, when a door that had no network sends what it has noted.
Both ways give the same verdicts. Read `rules.py` first, then `judge.py`.
"""
