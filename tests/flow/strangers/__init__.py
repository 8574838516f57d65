"""
The three anonymous attacks in full size: the week is booked out, mailboxes are bombed, made-up people sit the
contest. `python -m tests.flow.strangers` plays them on servers of its own, and says which promise is broken.

The same promises in small are in tests/registration/sign_ins/test_attacks.py and tests/flow/test_codes.py.
"""
