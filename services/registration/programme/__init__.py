"""
The week's programme as organisers put it: activities with their sessions.

A session may be moved or cancelled after people have registered for it; they are notified in the background
(`notify.py`). Read `rules.py`, then `change.py`.
"""
