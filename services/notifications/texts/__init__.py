"""
Every text of messages and mails, and of which events participants are notified.

The text of a mail is in templates/LANGUAGE/KIND.txt, in Chinese (zh-CN) and English (en). The first line is
the subject. policy.py says which event makes which kind of message, and render.py fills the templates.
reasons.py has the words for registration's refusal codes, dates.py the words for dates.
"""
