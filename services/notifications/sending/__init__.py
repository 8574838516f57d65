"""
Mails and SMS, from the queue to the server of their channel, at least once
(docs/decisions/0008-deliveries.md, docs/decisions/0039-phones.md).

Start with courier.py: it claims messages that are due (store.py), composes them (compose.py), hands them over
(send.py) and marks what became of them. When a message is tried again is decided in rules.py, how many there
may be in limits.py. channel.py says what a channel brings: e-mail mail_form.py and smtp.py, SMS sms_form.py
and gateway.py. Their texts are in texts/templates and texts/sms.
"""
