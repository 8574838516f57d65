"""
What a cluster is worth when a node dies: who leads now (leaders.py), a steady load whose acknowledgements are
timed (stream.py), and the longest time without any (gaps.py).
"""
