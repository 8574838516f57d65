"""
An organiser registers somebody who cannot do so alone, with or without an e-mail address.

The organiser vouches for the person, so nothing has to be verified. Read `register.py`.
"""
