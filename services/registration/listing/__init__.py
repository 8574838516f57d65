"""
Lists for organisers: who has registered for a session, page by page or as a file.

Nobody's name is in them, since registration cannot open one: services/notifications/openings does. Read
`rules.py`, then `store.py`.
"""
