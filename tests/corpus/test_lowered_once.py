"""How often the functions of the corpus are lowered at a call: once; those that are lowered again say why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import revcompile.compiler
from revcompile import grad
from tests.corpus.cases import CASES, Case
from tests.corpus.differences import copied

# What is found out too late to be decided on the spot, and how often a function is lowered for it at most.
NOT_NUMBERS = "a list whose length only the run decides is given what it cannot hold"
EITHER = "a name stands for either of two arrays, one of which is written later"
GROWS = "a list is found to grow after it was used as one of a known length"
STEERED = "a number that steers a recursion was a condition before"
LEARNT = "what calls as they are give is found out by making them"
PARTS = "of several arrays that one call gives, one is written later: each is made by itself then"
AGAIN = {
    "containers.list_as_a_stack": (NOT_NUMBERS, 2),
    "either.named_on_one_side_only_and_changed_later": (EITHER, 2),
    "found_names.chosen_half_is_written": (EITHER, 2),
    "found_names.column_or_vector_written_by_a_function": (EITHER, 2),
    "found_names.list_of_an_array_or_of_a_number": (GROWS, 3),
    "found_names.name_for_the_argument_from_the_first_trip_on": (EITHER, 2),
    "found_names.one_array_by_two_names_after_a_loop": (EITHER, 3),
    "found_saved.length_of_an_array_that_is_written_in_its_loop": (EITHER, 2),
    "functions.unknown_calls_run_as_they_are": (LEARNT, 3),
    "growing.an_item_of_a_list_or_another_array_written": (EITHER, 5),
    "growing.an_item_of_a_list_or_another_array_written_by_a_helper": (EITHER, 5),
    "growing.growing_attribute": (GROWS, 2),
    "growing.growing_list_of_one_buffer": (EITHER, 3),
    "growing.growing_list_read_before_its_item_is_written": (EITHER, 3),
    "growing.growing_on_one_side_only": (GROWS, 4),
    "growing.list_of_a_known_length_indexed_at_run_time": (GROWS, 2),
    "iterators.total_of_a_comprehension": (NOT_NUMBERS, 2),
    "pairs.recursion_mutual_and_steered_by_numbers": (STEERED, 2),
    "programs.merge_sort": (GROWS, 3),
    "recursion.recursion_of_the_function_itself": (STEERED, 2),
    "recursion.recursion_over_halves_of_an_array": (STEERED, 2),
    "recursion.recursion_over_rows": (STEERED, 2),
    "storage.index_of_an_open_mesh_is_written": (PARTS, 2),
}
RIGHT = [case for case in CASES.values() if case.kind == "case"]


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_lowerings(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    lower, lowered = revcompile.compiler._compile, []

    def counted(*args: Any) -> Any:
        lowered.append(args[0])
        return lower(*args)

    monkeypatch.setattr(revcompile.compiler, "_compile", counted)
    gradient = grad(case.function, argnums=case.positions(case.inputs[0]))
    for args in case.inputs:
        lowered.clear()
        with np.errstate(all="ignore"):
            gradient(*copied(args))
        assert len(lowered) <= (AGAIN[case.name][1] if case.name in AGAIN else 1)


def test_what_is_lowered_again_is_in_the_corpus() -> None:
    assert {case.name for case in RIGHT} >= AGAIN.keys()
