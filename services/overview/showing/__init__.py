"""Showing: the overview over HTTP, for organisers, from what `counting` and `watching` have stored."""
