"""
Messages: one for each event and channel, stored with the event's facts and the state of the delivery.

Start with handlers.py: what we do when an event comes. rules.py decides which messages an event makes, and
their states. The rooms inbox, sending and deliveries work on the same collection; documents.py describes it.
"""
