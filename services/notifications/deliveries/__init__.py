"""
What organisers see: how many messages were delivered, which mails failed, and failed mails tried again.

Start with api.py. The deliveries are a view of the collection `messages` (messages/documents.py).
In the background, upkeep.py measures how long mails wait and deletes old messages.
"""
