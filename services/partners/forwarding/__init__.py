"""
Forward the commands of partners, so that none of them can hurt another one.

Each partner has a consumer of its own (`follow.py`). `handlers.py` checks its records and forwards them: no
faster than its rate (`rules.py`: `Pace`), and only while few of its forwarded records wait unread in the
shared topic (`windows.py`). `rules.py` has the numbers and says why they are enough. Start reading there.
"""
