"""Check-in: a ticket is shown at the door, and its holder is let in. Read `rules.py`, then `check_in.py`."""
