"""
Selections (评选): people or groups are nominated, checked, judged and chosen. This room has their first half.

Start with `rules.py`: what a selection is, its phases, and its nominees. `put.py` takes a selection from an
organiser, `nominate.py` and `withdraw.py` its nominations, `admit.py` notes whether a nominee is eligible.
The rooms `judging` and `choosing` have the rest.
"""
