"""
What stands between the network and the routes: bounds on bytes, time and connections, and what no route is asked.

A request passes `hot_protocol` (on top of `bounded_protocol`), then `middleware` with its `gate`. Begin with
`limits`: it has all the numbers.
"""
