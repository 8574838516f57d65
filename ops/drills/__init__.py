"""Drills: what operators do after a loss, done on real servers, with an audit at the end."""
