"""All cases: importing this fills the table."""

from tests.corpus import (  # noqa: F401
    cases_branches,
    cases_containers,
    cases_copies,
    cases_either,
    cases_errors,
    cases_exits,
    cases_found,
    cases_found_names,
    cases_found_saved,
    cases_functions,
    cases_growing,
    cases_iterators,
    cases_lengths,
    cases_loops,
    cases_mutation,
    cases_pairs,
    cases_programs,
    cases_recursion,
    cases_storage,
    cases_traps,
    cases_views,
    cases_whole,
)
from tests.corpus.table import CASES, Case, calls_of

__all__ = ["CASES", "Case", "calls_of"]
