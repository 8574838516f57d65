"""
Names and contacts are opened for organisers: only here, a bounded number at a time, and with a reason.

This service has the only key. Every opening is an act with the reason and the number of people, which is kept
before anything is opened. Read `open.py`.
"""
