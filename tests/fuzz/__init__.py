"""
Malformed input of every kind, and a ledger in which each input has a verdict: accepted, refused with a code,
or dead-lettered.

`batches.py` damages batches of records as no client can send them, in a process of its own, since they have
ended processes. `python -m tests.fuzz` writes records and sends requests in full size.
"""
