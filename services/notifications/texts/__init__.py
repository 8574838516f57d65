"""
Every text of messages and mails, and the events for which participants get messages.

The text of a message is in templates/LANGUAGE/KIND.txt, in Chinese (zh-CN) and English (en). The first line
is the subject. In a mail, letter.txt stands around the text: the greeting with the name, and the signature.
policy.py says which event makes which kind of message, and render.py fills the templates.
reasons.py has the texts for registration's refusal codes (with the same codes as registration's own
booking/wording.py), dates.py the texts for dates.
"""
