"""
Malformed records, thousands into every topic that our groups read, while people sit a contest. No group may
stop, each record must be buried with its reason, and results must keep coming.

`python -m tests.flow.flood` plays it in full size on servers of its own; `test_flood.py` in small.
"""
