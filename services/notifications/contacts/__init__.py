"""
The data of participants: language, sealed contact, the key that opens it, and preferences.

Start with rules.py: how a participant can be reached. A contact is opened (decryptor.py) only when a mail is
composed. The events that change contacts also release or cancel messages, so messages/handlers.py handles
them.
"""
