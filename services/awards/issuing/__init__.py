"""
Issuing: who gets an award, and how it is issued.

Start with `rules.py`: who reaches a pass mark, who gets which prize, and what a tie does. Awards
are issued after events (`handlers.py`), when an organiser applies a scheme (`apply.py`), and when
an organiser confers an award (`confer.py`). All three go through `issue.py`. `outdated.py` looks
again afterwards, and `touched.py` says whose awards another closing may change.
"""
