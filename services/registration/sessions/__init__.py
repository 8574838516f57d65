"""
Sessions: a time and place of an activity, and how full it is.

Programme says what a session is, booking counts its places. Both stand on this room; each change of a session
locks it. Read `rules.py` first.
"""
