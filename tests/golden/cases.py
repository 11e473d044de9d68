"""The functions whose generated source is kept: importing this fills the table."""

from tests.golden import functions, functions_derivatives, functions_python  # noqa: F401
from tests.golden.table import CASES, Case

__all__ = ["CASES", "Case"]
