"""Breaks guarantees on purpose, one by one, in a copy of the project: chaos must notice each."""
