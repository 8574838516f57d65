"""
Names on awards: what participants choose about them, and how awards hears of names and addresses.

Only awards can open what it hears (docs/decisions/0079-names-on-awards.md). Read `rules.py`, `choose.py` (a
choice), and `publish.py` (awards hears of it, some seconds later).
"""
