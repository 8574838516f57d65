"""
Sign-ins: who controls a contact shows it by a one-time code, and gets a token.

Also what stands on it: to join without a session, one's own profile, and tokens that end
(docs/decisions/0024-one-contact-one-participant.md). Read `rules.py`, `ask.py`, `confirm.py`; the codes are
in `participants/codes.py`.
"""
