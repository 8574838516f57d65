"""
The awards that were issued: each with its code, and whether it still holds.

Start with `rules.py`: what an award is, and how it is revoked. `codes.py` makes and reads the codes
on certificates, `events.py` makes the events about an award.
"""
