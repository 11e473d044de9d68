"""A sweep of NumPy's own interface: every function and method, in many calls, against differences."""
