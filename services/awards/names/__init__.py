"""
Names and addresses of recipients, sealed for awards by registration, and opened when they are needed.

What everybody sees of a name is the holder's choice (docs/decisions/0079-names-on-awards.md). Read `rules.py`
(how a name is masked), `store.py` (`NameStore.shown` for other rooms), `handlers.py`.
"""
