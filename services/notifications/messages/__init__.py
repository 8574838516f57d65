"""
Messages: one event told to one participant over one channel, stored with its facts and its state.

Start with handlers.py: what happens about an event. rules.py decides which messages an event makes and what
becomes of each. The rooms inbox, mail and deliveries work on the same collection; documents.py describes it.
"""
