"""HTTP: the app that every service is, who is asking, problems, and the hot routes."""
