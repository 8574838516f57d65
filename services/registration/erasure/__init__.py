"""
Erasure: a participant has everything personal deleted.

What must hold at once is done in `erase.py`, and the rest in the background in `finish.py`. The room asks the
rooms below for what has to go.
"""
