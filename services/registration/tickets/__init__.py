"""
Tickets for a screen and for paper: a signed text in a QR code, which a door can check without a network.

Whoever holds a place fetches them (`api.py`). The typed code of a ticket is `booking`'s; both open the same
door. Read `rules.py` (what a ticket says), then `keys.py` (who signs it).
"""
