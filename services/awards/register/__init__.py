"""
The register of awards: every award that was issued, its code, and whether it still holds.

Start with `rules.py`: what an award is, and how it is revoked. `codes.py` makes and reads the codes
on certificates, `events.py` writes the events that tell of an award.
"""
