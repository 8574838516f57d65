"""
Which participants, groups and quizzes exist, and who was erased: what awards knows from the events of others.

Start with `store.py`. `handlers.py` reads the events.
"""
