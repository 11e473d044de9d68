"""Every test run checks the IR between the compiler's stages. `-m smoke` runs one test in sixteen.

Of the longest files one test in so many runs daily, and the others with the fuzzers: `-m fuzz`; of the longest of
all every other one of those, and all of them with `-m "fuzz or whole"`. `--part 2/3` runs the second of three parts
of whatever else is asked for.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterator

import pytest

from revcompile.dispatch import forget_all
from revcompile.gates.table import TABLE
from revcompile.ir import verify

verify.enabled = True
SMOKE = 16  # one test in so many
DAILY = {  # one in so many tests of these files
    24: (
        "language/test_changed_by_calls",
        "derivatives/test_exits_again",
        "derivatives/test_directions_at_once",
        "derivatives/test_read_what_is_written",
        "gates/test_compositions",
        "sweep/test_forms_of_calls",
    ),
    16: (
        "derivatives/test_long_loops_of_operators",
        "corpus/test_language",
        "derivatives/test_long_loops_of_the_corpus",
    ),
    12: (
        "derivatives/test_every_operator",
        "derivatives/test_lists_of_branches",
        "derivatives/test_lists_of_numbers",
        "derivatives/test_read_recursions",
        "derivatives/test_recursions_again",
        "derivatives/test_tangents_of_every_gate",
        "derivatives/test_tangents_of_the_corpus",
        "derivatives/test_what_may_be_none",
        "language/test_parts_as_views",
        "sweep/test_natural_calls",
    ),
    11: (
        "corpus/test_lowered_once",
        "gates/test_every_gate",
    ),
    10: ("pictures/test_corpus",),
    8: (
        "derivatives/test_operators",
        "face/test_numbers",
        "language/test_bounded_work",
        "language/test_known_from_there_on",
        "language/test_lowered_once",
        "language/test_taken_as_constants",
        "programs/test_memory",
    ),
    6: (
        "programs/test_real_programs",
        "derivatives/test_not_assigned",
        "gates/test_lengths_of_users_gates",
        "language/test_either_array",
        "language/test_kinds_of_iterators",
    ),
    5: ("programs/test_growth",),
    4: (
        "face/test_what_is_kept",
        "language/test_changed_state",
        "language/test_asked_for_none",
        "derivatives/test_errors_of_operators",
        "derivatives/test_forms_of_operators",
        "language/test_layouts",
        "derivatives/test_linearize",
        "derivatives/test_long_loops",
        "derivatives/test_long_loops_of_numbers",
        "derivatives/test_values_and_aux",
        "face/test_lengths_that_differ",
        "face/test_made_again",
        "face/test_made_again_kept",
        "face/test_made_again_programs",
        "face/test_made_again_values",
        "face/test_made_again_whole_numbers",
        "face/test_replaced_code",
        "gates/test_users_gates",
        "language/test_equal_lengths",
        "language/test_foreign",
        "language/test_foreign_changes",
        "language/test_foreign_kinds",
        "language/test_functions_passed",
        "language/test_identity",
        "language/test_invariants",
        "language/test_nested_grad",
        "language/test_pairs",
        "language/test_parts_and_items",
        "language/test_places",
        "language/test_zeros",
        "language/test_zeros_in_programs",
        "language/test_zeros_of_parts",
        "programs/test_kernels",
    ),
    3: (
        "derivatives/test_sparsity",
        "derivatives/test_states_read_again",
        "derivatives/test_trips_that_differ",
        "lecture/test_scripts",
    ),
    2: (
        "derivatives/test_check_modes",
        "derivatives/test_checkpoint",
        "face/test_containers",
        "derivatives/test_joined_and_differences",
        "derivatives/test_operators_as_objects",
        "face/test_attributes_of_numbers",
        "face/test_callables",
        "face/test_data_in_text",
        "face/test_forks_and_changes",
        "face/test_guards",
        "face/test_pickling",
        "face/test_restarts",
        "face/test_threads",
        "face/test_user_lines",
        "face/test_what_changes_inside",
        "fuzz/test_imperative",
        "gates/test_empty_arrays",
        "gates/test_facts",
        "gates/test_several_results",
        "gates/test_small_examples",
        "gates/test_sparse",
        "language/test_classes_of_numbers",
        "language/test_containers",
        "language/test_effects",
        "language/test_equal_objects",
        "language/test_even_powers",
        "language/test_growing_lists",
        "language/test_learning_calls",
        "language/test_other_libraries",
        "language/test_recursion",
        "language/test_whole_numbers",
        "lecture/test_figures",
        "pictures/test_lecture",
        "pictures/test_texts",
        "sweep/test_sweep",
        "test_check_grads_places",
        "test_check_grads_scales",
        "test_command_line",
    ),
}
SHARES = {f"tests/{name}.py": share for share, names in DAILY.items() for name in names}
WALKS = {  # every other one of the tests of these files that do not run daily is `whole`
    f"tests/{name}.py"
    for name in (
        "derivatives/test_directions_at_once",
        "derivatives/test_every_operator",
        "derivatives/test_long_loops_of_the_corpus",
        "derivatives/test_read_what_is_written",
        "derivatives/test_tangents_of_every_gate",
        "derivatives/test_tangents_of_the_corpus",
        "fuzz/test_imperative",
        "gates/test_compositions",
        "gates/test_every_gate",
        "language/test_changed_by_calls",
        "sweep/test_forms_of_calls",
        "sweep/test_natural_calls",
        "sweep/test_sweep",
    )
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", metavar="K/N", help="run the K-th of N parts of the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that run daily and those of a first look, by their names: the same in every process."""
    part, parts = map(int, config.getoption("--part").split("/"))
    left_out = {item for item in items if zlib.crc32(item.name.encode()) % parts != part % parts}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        chance, file = zlib.crc32(item.nodeid.encode()), item.nodeid.partition("::")[0]
        if chance // SMOKE % SHARES.get(file, 1) != 0 or item.get_closest_marker("fuzz"):
            item.own_markers = [mark for mark in item.own_markers if mark.name != "fuzz"]
            item.add_marker(pytest.mark.whole if file in WALKS and chance >> 31 else pytest.mark.fuzz)
        long = any(item.get_closest_marker(mark) for mark in ("fuzz", "whole", "bench"))
        if not long and chance % SMOKE == 0:
            item.add_marker(pytest.mark.smoke)


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay until the end: no garbage collection has to look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def gates_of_its_own() -> Iterator[None]:
    """A test may give NumPy's functions gates, which other tests of the same process do not see."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
    forget_all()
