"""
Erasure: a participant has everything personal deleted.

The room has no collections of its own: it asks the rooms below for what has to go. Read `erase.py`.
"""
