"""The text of a gradient as machine code, by Numba."""
