"""How large a deployment has to be: measured costs, a plan, and a simulated day."""
