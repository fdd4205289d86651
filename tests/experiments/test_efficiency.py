"""Sizes as published, times in turns, and the part of GPND that takes time."""

import time

import torch

from lib.experiments.efficiency import milliseconds, published_sizes
from lib.numbers import published


def test_the_networks_have_the_published_sizes():
    rows = published("gradcon-slides")
    printed = rows[rows["metric"] == "parameters"].set_index("method")["value"]
    sizes = published_sizes()
    assert sizes.totals == printed.to_dict()
    assert sizes.parts["AnoGAN"] == {"generator": 3_574_656, "discriminator": 2_763_520}
    assert sizes.parts["GPND"]["never called"] == 41_728
    assert sizes.lsa_stored == 26_401_072


def test_methods_take_turns_and_the_median_counts():
    asked = []

    def slow(x):
        asked.append(("slow", len(x), float(x.sum())))
        time.sleep(0.2 if x.sum() == 3 else 0.005)  # one of the images is an outlier

    def fast(x):
        asked.append(("fast", len(x), float(x.sum())))

    images = torch.arange(1.0, 4.0).reshape(3, 1, 1, 1)
    found = milliseconds({"slow": (slow, images), "fast": (fast, images)})
    turns = [(name, 1, value) for value in (1.0, 2.0, 3.0) for name in ("slow", "fast")]
    assert asked == [
        ("slow", 1, 1.0),
        ("fast", 1, 1.0),
        *turns,
    ]  # warmed up once
    assert 5 <= found["slow"] < 100  # between a sleep and the outlier
    assert found["fast"] < found["slow"]
