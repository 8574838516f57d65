"""
Sign-ins: a one-time code proves whose a contact is; the answer is a token.

Also what stands on it: to join without a session, one's own profile, and tokens that end
(docs/decisions/0024-one-contact-one-participant.md). Read `rules.py`, `ask.py`, `verify.py`; the codes are
in `participants/codes.py`.
"""
