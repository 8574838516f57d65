"""
Erasure: all personal data of a participant are deleted.

`erase.py` does immediately what cannot wait. `finish.py` does the rest in the background. Both use the stores
of the rooms below.
"""
