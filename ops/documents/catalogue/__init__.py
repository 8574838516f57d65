"""
The catalogue of events: a page for each event, as static HTML in docs/events/.

`facts.py` gathers what the code says, `words.py` what people have written (events.toml), `flow.py` draws who
writes what for whom, `pages.py` makes the pages. `python -m ops.documents` writes them.
"""
