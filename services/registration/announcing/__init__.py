"""
Messages from organisers to everybody of a session, sent in the background, once to each person.

Read `rules.py`, then `announce.py`.
"""
