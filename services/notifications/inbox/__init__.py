"""
What participants read: their own inbox; for organisers, the inboxes of groups.

Start with read.py: a page of an inbox with its texts. Delivering to an inbox means storing the message
(messages/store.py).
"""
