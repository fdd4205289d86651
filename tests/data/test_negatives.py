"""Negative samples: halves, order and refusals."""

import numpy as np
import pytest
import torch

from lib.data.negatives import negative_samples
from lib.errors import BadInput

OTHERS = torch.full((9, 1, 28, 28), 0.25) + torch.arange(9).view(-1, 1, 1, 1) / 100


def rng():
    return np.random.default_rng(0)


def test_half_are_noise_and_half_are_other_images_each_once():
    found = negative_samples(11, OTHERS, rng=rng())
    assert found.shape == (11, 1, 28, 28)
    assert found.dtype == torch.float32
    flat = [image for image in found if float(image.std()) < 1e-6]  # one grey, so not noise
    assert len(flat) == 5
    assert len({round(float(image.mean()), 4) for image in flat}) == 5
    assert any(float(image.std()) > 0.2 for image in found[:6])  # mixed, not one half after another


def test_without_others_all_is_uniform_noise():
    found = negative_samples(20, None, rng=rng())
    # 15,680 uniform draws: the mean is known to 0.0023
    assert float(found.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(found.std()) == pytest.approx(12**-0.5, abs=0.01)
    assert torch.equal(found, negative_samples(20, None, rng=rng()))


def test_bad_input_is_refused_in_words():
    with pytest.raises(BadInput, match="at least one negative sample"):
        negative_samples(0, None, rng=rng())
    with pytest.raises(BadInput, match="at least 10 other images"):
        negative_samples(20, OTHERS, rng=rng())
    with pytest.raises(BadInput, match=r"\[9, 28, 28\] came"):
        negative_samples(4, OTHERS[:, 0], rng=rng())
