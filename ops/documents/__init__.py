"""
The tables of the documents, made from the code: events, settings, metrics, limits, guarantees.

    python -m ops.documents          write the tables anew
    python -m ops.documents check    say which are out of date

A table stands between two marks in a document. `sections` says which table is where. What people have to
write themselves (what a limit means, what a guarantee says) is in the three .toml files of this folder. They
name constants and tests, not files: a table finds the file, and its value, by the name.
"""
