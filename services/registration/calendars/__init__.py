"""
Calendar files (RFC 5545): a session for everybody, a registration for its holder.

They are made when they are read, so they are always up to date. A calendar program that has read an earlier
one recognises the entry by its UID, and the change by a higher SEQUENCE. Read `rules.py`, then `ics.py`.
"""
