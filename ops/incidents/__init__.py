"""Incidents of a peak week, played on real servers, to see that exactly the alert that is meant fires."""
