"""The targets, with a little room for noise: `pytest -m bench` on a quiet machine."""

from __future__ import annotations

import statistics
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from tests.benchmarks import (
    chain,
    compile_time,
    derivatives,
    import_time,
    indexing,
    network,
    neuron,
    ode,
    rnn,
    softmax_regression,
)
from tests.benchmarks.peers import AUTOGRAD, HAND, OURS, PRIMAL
from tests.benchmarks.timing import Contest

pytestmark = pytest.mark.bench

NOISE = 1.15


def best_ratio(contest: Contest, slow: str, fast: str) -> float:
    """The smaller of the two ratios that a run reports: noise only adds."""
    if slow not in contest.seconds or fast not in contest.seconds:
        pytest.skip(f"{slow} is not installed")
    return min(contest.ratio(slow, fast))


@pytest.fixture(scope="module")
def neuron_contest() -> Contest:
    return neuron.contests()[0].run()


@pytest.fixture(scope="module")
def chain_contests() -> dict[int, Contest]:
    against_peers = [contest for contest in chain.contests() if contest.title.startswith("10-op")]
    return {size: contest.run() for size, contest in zip(chain.SIZES, against_peers)}


def test_neuron_against_hand_written(neuron_contest: Contest) -> None:
    assert best_ratio(neuron_contest, OURS, HAND) <= 1.3 * NOISE


def test_neuron_against_autograd(neuron_contest: Contest) -> None:
    assert max(neuron_contest.ratio(AUTOGRAD, OURS) if AUTOGRAD in neuron_contest.seconds else (100,)) >= 100


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_chain_against_hand_written(chain_contests: dict[int, Contest], size: int) -> None:
    assert best_ratio(chain_contests[size], OURS, HAND) <= 1.1 * NOISE


def test_chain_against_autograd(chain_contests: dict[int, Contest]) -> None:
    contest = chain_contests[100]
    assert max(contest.ratio(AUTOGRAD, OURS) if AUTOGRAD in contest.seconds else (5,)) >= 5


@pytest.mark.parametrize("module", [softmax_regression, network], ids=["softmax", "network"])
def test_models_against_hand_written(module: object) -> None:
    contest = module.contests()[0].run()  # type: ignore[attr-defined]
    assert best_ratio(contest, OURS, HAND) <= 1.1 * NOISE


@pytest.fixture(scope="module")
def ode_contest() -> Contest:
    return ode.contests()[0].run()


def test_ode_against_the_function(ode_contest: Contest) -> None:
    assert best_ratio(ode_contest, OURS, PRIMAL) <= 4.0 * NOISE


def test_ode_against_autograd(ode_contest: Contest) -> None:
    assert max(ode_contest.ratio(AUTOGRAD, OURS) if AUTOGRAD in ode_contest.seconds else (300,)) >= 300


def test_rnn_against_hand_written() -> None:
    assert best_ratio(rnn.contests()[0].run(), OURS, HAND) <= 1.3 * NOISE


def test_indexing_takes_linear_time() -> None:
    times = [min(contest.run().seconds[OURS]) for contest in indexing.contests()]
    for shorter, longer in pairwise(times):
        assert longer / shorter <= 10.0 * 1.3


def test_tangent_against_hand_written() -> None:
    assert best_ratio(derivatives.tangent().run(), OURS, HAND) <= 1.5 * NOISE


def test_jacobian() -> None:
    contest = derivatives.jacobian_().run()
    assert best_ratio(contest, OURS, HAND) <= 1.2 * NOISE
    assert max(contest.ratio(AUTOGRAD, OURS) if AUTOGRAD in contest.seconds else (10,)) >= 10


def test_product_against_the_gradient() -> None:
    assert best_ratio(derivatives.product().run(), OURS, derivatives.GRADIENT) <= 2.5 * NOISE


def test_long_loop_against_the_stored_one() -> None:
    contest = derivatives.long_loop().run()
    assert best_ratio(contest, OURS, derivatives.STORED) <= 3.5
    x, v, steps = contest.contenders[0].args
    most = []
    for contender in contest.contenders[:2]:
        tracemalloc.start()
        contender.function(x, v, steps)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert most[1] <= 30 * (x.nbytes + v.nbytes) < most[0] / 100


def test_compile_time() -> None:
    assert statistics.median(compile_time.ours()) <= 0.030 * NOISE
    assert statistics.median(compile_time.made_again()) <= 0.001 * NOISE


def test_import_time() -> None:
    assert np.median([added for _, added in import_time.seconds()]) <= 0.040 * NOISE
