"""
Mails and SMS, from the queue to the server of their channel, at least once
(docs/decisions/0008-deliveries.md, docs/decisions/0039-phones.md).

Start with courier.py: it claims messages that are due (store.py), composes them (compose.py), hands them over
(send.py) and marks their outcomes. rules.py decides when a message is tried again, limits.py how many may be
sent. channel.py says what each channel has: e-mail has mail_form.py and smtp.py, SMS have sms_form.py and
gateway.py. The texts are in texts/templates and texts/sms.
"""
