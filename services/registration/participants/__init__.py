"""
Participants: people, and groups such as schools, with their data.

Names and contacts are encrypted with a key for each participant, so that deleting the key erases them
everywhere (docs/decisions/0016-contact-keys.md). Read `rules.py`, `keys.py`, then `put_group.py`.
"""
