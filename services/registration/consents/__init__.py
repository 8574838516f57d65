"""
Consents: a guardian agrees, by a link, that a minor of a group's roster takes part, and can take it back.

The manager hands out the link. What is signed has a version and a hash, and a signature has a receipt that
anybody can check with the public key of tokens. Read `rules.py`, then `sign.py`.
"""
