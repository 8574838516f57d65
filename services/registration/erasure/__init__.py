"""
Erasure: all personal data of a participant are deleted.

`erase.py` does immediately what cannot wait. `finish.py` does the rest in the background. `leave.py` removes
newcomers who have not verified a contact. All use the stores of the rooms below.
"""
