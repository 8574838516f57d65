"""
Between the network and the routes: bounds on bytes, time and connections, and a gate for every head.

A request passes `hot_protocol` (which builds on `bounded_protocol`), then `middleware` with its `gate`.
Start reading with `limits`: it has the numbers.
"""
