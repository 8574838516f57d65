"""What operators live through, with servers of its own: outages, restarts, fewer workers."""
