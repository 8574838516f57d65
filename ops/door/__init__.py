"""
A door that works without a network: checks signed tickets by a list that was loaded before, notes each scan,
and sends what it has noted when there is a network again.

`verifier.py` uses the standard library and PyNaCl alone, so that another device's software can copy it.
"""
