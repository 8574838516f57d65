"""
Each award as a verifiable credential (Open Badges 3.0), which others can check without asking us.

Start with `rules.py`: what a credential says. `give.py` signs it when somebody asks for it. `store.py` keeps
its place in a status list, and `lists.py` publishes the lists. `keys.py` has the issuer's keys, `badge.py`
draws. `shared/credentials` has the formats and the verifier.
"""
