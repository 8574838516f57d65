"""
Disqualified: whose results do not count in a quiz. Graders, standings and statistics ask for it.

Start at rules.py. Organisers decide in the room `disqualifying`.
"""
