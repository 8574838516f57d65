"""
What organisers see and do: how many messages were delivered, which mails failed, and trying failed mails
again.

Start with api.py. The deliveries are a view of the collection `messages` (messages/documents.py).
In the background, upkeep.py measures how long mails wait and deletes old messages.
"""
