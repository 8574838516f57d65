"""What people put, of all services: nobody's change is overwritten unseen."""
