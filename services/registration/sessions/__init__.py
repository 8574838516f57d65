"""
Sessions: a time and venue of an activity, and how full it is.

`programme` defines sessions, `booking` counts their places. Both use this room; each change of a session
locks it. Read `rules.py` first.
"""
