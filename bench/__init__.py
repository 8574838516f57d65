"""How fast it is, measured: tools for whoever changes it, and no part of what runs."""
