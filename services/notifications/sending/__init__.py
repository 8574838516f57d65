"""
Mails, from the queue to the mail server, at least once (docs/decisions/0008-deliveries.md).

Start with courier.py: it claims mails that are due (store.py), composes them (compose.py), hands them over
(send.py, smtp.py) and marks what became of them. When a mail is tried again is decided in rules.py.
The text of a mail is in texts/templates.
"""
