"""What is said between services and to other systems: events, their envelope, topics, sealed contacts."""
