"""
Where a scheme is in its life: a draft, announced, running, published or final.

`rules.py` says it, from what other rooms know; nothing of it is stored.
"""
