"""
Every text of notifications, and of which events participants are notified.

The text of a message or mail is in templates/LANGUAGE/KIND.txt, in Chinese (zh-CN) and English (en).
The first
line is the subject. policy.py says which event makes which kind of message; render.py fills the templates.
reasons.py has the words for registration's refusal codes, refusals.py the Chinese for refused requests.
"""
