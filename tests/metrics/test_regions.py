"""All measures of a known region at once, under the names that the result rows have."""

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import chance_region_numbers, region_numbers
from lib.metrics.regions import REGION_METRICS

NAMES = ["mean pixel AUROC", "mean pixel average precision", "mean top-10 hit rate", "AUPRO"]


def masks_of(n, side=8):
    masks = np.zeros((n, side, side), dtype=bool)
    masks[:, 2:4, 1:6] = True  # ten pixels
    return masks


def test_a_map_that_is_the_region_finds_all_of_it():
    masks = masks_of(3)
    found = region_numbers(masks.astype(float), masks)
    # AUPRO is a sum of 30 parts in float64
    assert found == pytest.approx(dict.fromkeys(NAMES, 1.0), abs=1e-12)


def test_a_map_that_avoids_the_region_by_hand():
    masks = masks_of(2)
    found = region_numbers(1.0 - masks, masks)
    # the ten novel pixels come last of 64, as one tie: precision 10/64
    assert found == {
        "mean pixel AUROC": 0.0,
        "mean pixel average precision": pytest.approx(10 / 64, abs=1e-15),  # one division
        "mean top-10 hit rate": 0.0,
        "AUPRO": 0.0,
    }


def test_chance_is_what_random_maps_give_on_average():
    masks = masks_of(4000)
    drawn = np.random.default_rng(0).random(masks.shape)
    found, wanted = region_numbers(drawn, masks), chance_region_numbers(masks)
    assert list(found) == list(wanted) == NAMES == list(REGION_METRICS)
    # five standard errors; one map's standard deviation is below 0.13 (measured on these)
    assert list(found.values()) == pytest.approx(list(wanted.values()), abs=5 * 0.13 / 4000**0.5)
    assert wanted["AUPRO"] == 0.15 and wanted["mean top-10 hit rate"] == 10 / 64


def test_masks_need_novel_pixels():
    with pytest.raises(BadInput, match="without novel pixels"):
        chance_region_numbers(np.zeros((1, 4, 4), dtype=bool))
    with pytest.raises(BadInput, match="without novel pixels"):
        region_numbers(np.ones((1, 4, 4)), np.zeros((1, 4, 4), dtype=bool))
