"""
Which events participants are notified of, and in which words.

policy.py says which event makes which message. The text of a message or mail is in
templates/LANGUAGE/KIND.txt, in Chinese (zh-CN) and English (en): the first line is the subject. render.py
fills the templates, reasons.py has the words for registration's refusal codes, dates.py the words for dates.
"""
