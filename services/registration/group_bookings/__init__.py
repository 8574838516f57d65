"""
Group bookings: a manager books places of a session for members of the roster, and changes them later.

A group has one registration for a session, with a place for each member who is named. So the waiting list
keeps the group whole. Read `rules.py`, then `book_members.py` and `change_members.py`.
"""
