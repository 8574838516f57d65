"""
What organisers do with a quiz that is published: they move its end, open it again, correct its words, cancel
it or remove it.

Start at rules.py. alter.py moves the end, opens again and corrects words; remove.py removes; cancel.py
cancels, and notify.py tells everybody who took part.
"""
