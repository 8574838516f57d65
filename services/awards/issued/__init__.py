"""
The issued awards: each has a code, and is valid or revoked.

Start with `rules.py`: what an award is, and how it is revoked. `codes.py` makes and reads the codes
on certificates, `events.py` makes the events about an award.
"""
