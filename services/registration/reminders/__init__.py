"""
Reminders: the day before a session, one hour before it, and thanks after it.

Each session has at most one stored reminder: the next one. Read `rules.py`, then `remind.py`.
"""
