"""The published sizes, counted; and times, taken in turns."""

import numpy as np
import pytest
import torch

from lib.errors import BadInput
from lib.methods import timing
from lib.methods.sizes import published_sizes
from lib.methods.task import a_tenth
from lib.methods.timing import milliseconds, untrained_gpnd, untrained_gradcon
from lib.results import published


@pytest.fixture(scope="module")
def sizes():
    return published_sizes()


def images(n, seed, channels=1, size=28):
    return torch.rand((n, channels, size, size), generator=torch.Generator().manual_seed(seed))


def test_each_published_size_is_counted(sizes):
    rows = published("gradcon-slides")
    printed = rows[rows["metric"] == "parameters"].set_index("method")["value"]
    assert sizes.totals == {name: int(value) for name, value in printed.items()}


def test_the_parts_are_those_of_the_document_s_numbers(sizes):
    assert sizes.parts["AnoGAN"] == {"generator": 3_574_656, "discriminator": 2_763_520}
    assert list(sizes.parts["LSA"].values()) == [565_296, 13_124_864]
    # layers of 10·256·16 weights and 256 biases, and a batch norm of 2·256
    assert sizes.gpnd_unused == 10 * 256 * 16 + 256 + 2 * 256
    assert sizes.lsa_stored == 26_401_072


def test_counting_leaves_the_random_state_alone():
    state = torch.get_rng_state()
    published_sizes()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_time_is_the_median_in_milliseconds_and_scores_take_turns(monkeypatch):
    clock, turns = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def scorer(name, seconds):
        left = list(seconds)

        def score(x):
            turns.append((name, float(x[0, 0, 0, 0]), len(x)))
            clock[0] += left.pop(0)

        return score

    shown = torch.arange(3.0).view(3, 1, 1, 1)
    slow, fast = scorer("slow", [9.0, 0.5, 0.25, 2.0]), scorer("fast", [9.0, 0.125, 0.25, 0.0])
    found = milliseconds({"slow": (slow, shown), "fast": (fast, shown)})
    # medians of 0.5, 0.25, 2 and of 0.125, 0.25, 0, without the first calls of 9 seconds
    assert found == {"slow": 500.0, "fast": 125.0}
    assert turns[:2] == [("slow", 0.0, 1), ("fast", 0.0, 1)]
    assert turns[2:] == [(name, float(i), 1) for i in range(3) for name in ("slow", "fast")]


@pytest.mark.parametrize("counts", [(0, 0), (2, 3), ()], ids=str)
def test_times_need_equally_many_images(counts):
    asked = {i: (lambda x: x, images(n, 0)) for i, n in enumerate(counts)}
    with pytest.raises(BadInput, match="at least one image, and on equally many"):
        milliseconds(asked)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 28), (1, 32)])
def test_an_untrained_gpnd_scores_images_of_any_kind(channels, size):
    known = images(8, 1, channels, size)
    score = untrained_gpnd(known, torch.Generator().manual_seed(0))
    # zeros are far from noise: their density is 0, and their score infinite or very high
    values = score(torch.cat([known[:1], torch.zeros_like(known[:1])]))
    assert values.shape == (2,) and values[0] < values[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_untrained_gradcon_does_the_work_of_a_trained_one(channels):
    known = images(8, 1, channels)
    values = untrained_gradcon(known, torch.Generator().manual_seed(0))(known)
    assert values.shape == (8,) and values.isfinite().all()
    # their own mean gradient is the reference: their cosines with it lie above 0
    errors = known.sub(0.5).square().mean((1, 2, 3))
    assert (values < errors).all()


def test_a_tenth_has_both_kinds_in_their_shares():
    labels = np.repeat([0, 1], [30, 170])
    chosen = a_tenth(labels, np.random.default_rng(0))
    assert np.bincount(labels[chosen]).tolist() == [3, 17]
    assert (np.diff(chosen) > 0).all()
    assert not np.array_equal(chosen, a_tenth(labels, np.random.default_rng(1)))


def test_a_tenth_of_few_images_is_one_of_each_kind():
    labels = np.array([1, 0, 1, 1])
    assert np.bincount(labels[a_tenth(labels, np.random.default_rng(0))]).tolist() == [1, 1]
