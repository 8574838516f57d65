"""
Choosing: from the ranking of a selection to its winners, in public.

Start with `rules.py`: who becomes a candidate, and who wins by the committee's votes. `shortlist.py`
publishes the candidates (公示), `object.py` takes objections (room `objections`), `decide.py` records the
votes, and `award.py` issues the awards.
"""
