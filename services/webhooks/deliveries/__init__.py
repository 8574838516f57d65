"""
Deliveries: one for each event and each endpoint that wants it, until it is delivered or has failed.

Start with `rules.py`: the states of a delivery, and what is sent.
"""
