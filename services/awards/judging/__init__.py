"""
Judging: experts score the nominees of a selection, each for himself.

Start with `rules.py`: who judges whom, and what a score is. `ranking.py` computes means, ranks and outliers.
Until the scoring has ended nobody sees a score but the expert who gave it. The room `choosing` publishes all.
"""
