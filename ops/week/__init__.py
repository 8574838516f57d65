"""
A week as an organiser writes it: a folder of five JSON files, and how it gets into the services.

Start with `files.py`, which says what the files hold; `load.py` sends them to a deployment.
"""
