"""
What organisers see: how many messages reached their channel, which mails failed, and a failed mail tried
again.

Start with api.py. The deliveries are a view of the collection `messages` (messages/documents.py).
"""
