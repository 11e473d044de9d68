"""Random programs of few statements, of all that NumPy has. Imports nothing of the compiler, but for what is of `imperative`."""
