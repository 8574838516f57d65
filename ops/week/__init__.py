"""
A week as an organiser writes it: a folder of five JSON files, and how it gets into the services.

Start with `files.py`, which describes the files; `load.py` sends them to a deployment.
"""
