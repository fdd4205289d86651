"""The Jacobian's trace and fooling attempts in one batch: seconds, in a fresh process.

Not part of `make test`, since it wants two quiet cores: `make bench`.
"""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any, NamedTuple

import pytest

from lib.paths import ROOT

pytestmark = pytest.mark.bench

EXACT, ESTIMATED, PROBES = 100, 10_000, 32
THREADS = 2
MOST_SECONDS = 120.0
ATTEMPTS = 200
STEPS = 20  # a step costs the same throughout: no attempt ends, see below
SINGLES = 5  # attempts that are run alone, for 200 of them
ROUNDS = 3
# A loop over attempts would cost 1. One image keeps a core fairly busy, so a batch saves overhead
# only: on one thread it took 0.3 of single steps, and 0.1 (CNN) and 0.2 (dAE sym) of those of the
# generator, whose 615,440 weights move as well. Twice as much elsewhere still is a batch.
MOST_OF_SINGLE = 0.6
MOST_OF_GENERATOR = 0.4

TRACE = textwrap.dedent("""\
    import json
    import sys
    import time

    import torch

    from lib.scores import hutchinson_trace, jacobian_trace
    from lib.training import digit_recipe, untrained_digits

    few, many, probes, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    model = untrained_digits(digit_recipe("dAE sym"), seed=0, classes=10).requires_grad_(False)
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(max(few, many), 1, 28, 28, generator=draw)

    start = time.perf_counter()
    exact = jacobian_trace(model.reconstruct, x[:few])
    middle = time.perf_counter()
    estimate = hutchinson_trace(model.reconstruct, x[:many], probes=probes, generator=draw)
    end = time.perf_counter()
    assert exact.shape == (few,) and estimate.shape == (many, probes)
    print(json.dumps([middle - start, end - middle]))
""")

# Untrained, as every number costs the same; a threshold of 1 keeps all attempts going. The three
# ways take turns, and the best round of each counts, since whatever else the machine does can only
# add time.
FOOLING = textwrap.dedent("""\
    import json
    import sys
    import time
    from functools import partial

    import torch

    from lib.models import FoolingGenerator
    from lib.scores import log_outputs
    from lib.training import (
        digit_recipe,
        fool,
        fool_with_generator,
        generator_rate,
        generator_start,
        untrained_digits,
    )

    name = sys.argv[1]
    n, steps, singles, rounds, threads = map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    model = untrained_digits(digit_recipe(name), seed=0, classes=10).requires_grad_(False)
    outputs = partial(log_outputs, model, alpha=10.0)
    start, given = generator_start(n, generator=torch.Generator().manual_seed(0))
    rates, targets = generator_rate(given), torch.arange(n) % 10
    limits = {"thresholds": [1.0], "max_steps": steps}

    def together(some):
        return fool(outputs, start[some], targets[some], learning_rate=rates[some], **limits)

    def seconds(function, *arguments):
        begin = time.perf_counter()
        found = function(*arguments)
        took = time.perf_counter() - begin
        assert (found.steps == -1).all()
        return took / (steps + 1)  # the outputs after the last update are asked for as well

    def batch():
        return seconds(together, slice(0, n))

    def single():
        return sum(seconds(together, slice(i, i + 1)) for i in range(singles)) / singles

    def generator():
        networks = [FoolingGenerator(u) for u in given[:singles]]
        told = partial(fool_with_generator, outputs, target=0, **limits)
        return sum(seconds(partial(told, network)) for network in networks) / singles

    took = {batch: [], single: [], generator: []}
    for function in took:
        function()  # the first calls choose the kernels
    for _ in range(rounds):
        for function, times in took.items():
            times.append(function())
    print(json.dumps([min(times) for times in took.values()]))
""")


class Trace(NamedTuple):
    """Seconds for exact traces, and for estimated ones."""

    exact: float
    estimate: float


class Step(NamedTuple):
    """Seconds for a step of all attempts in one batch, and for a step of one attempt alone.

    `single` by the same short cut, `generator` with the document's generator and its weights.
    """

    batch: float
    single: float
    generator: float


def told(script: str, *arguments: int | str) -> Any:
    env = os.environ | {"OMP_NUM_THREADS": str(arguments[-1]), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trace(few: int, many: int, *, probes: int = PROBES, threads: int = THREADS) -> Trace:
    return Trace._make(told(TRACE, few, many, probes, threads))


def step(
    name: str,
    n: int,
    *,
    steps: int = STEPS,
    singles: int = SINGLES,
    rounds: int = ROUNDS,
    threads: int = THREADS,
) -> Step:
    return Step._make(told(FOOLING, name, n, steps, singles, rounds, threads))


def test_exact_and_estimated_traces_take_two_minutes_at_most() -> None:
    cost = trace(EXACT, ESTIMATED)
    print(
        f"\ndAE sym, {THREADS} threads: exact trace of {EXACT} images {cost.exact:.1f} s, "
        f"estimate with {PROBES} probes of {ESTIMATED:,} images {cost.estimate:.1f} s"
    )
    assert sum(cost) <= MOST_SECONDS


@pytest.mark.parametrize("name", ["CNN", "dAE sym"])
def test_attempts_advance_together(name: str) -> None:
    cost = step(name, ATTEMPTS)
    of_single, of_generator = (
        cost.batch / (ATTEMPTS * alone) for alone in (cost.single, cost.generator)
    )
    print(
        f"\n{name}, {THREADS} threads: a step of {ATTEMPTS} attempts in one batch "
        f"{cost.batch:.4f} s; of one alone {cost.single:.4f} s, with the generator's weights "
        f"{cost.generator:.4f} s; share of {ATTEMPTS} of those {of_single:.3f} and "
        f"{of_generator:.3f}"
    )
    assert of_single <= MOST_OF_SINGLE and of_generator <= MOST_OF_GENERATOR
