"""Starts of stronger attacks: every class equally often, and images that show something else."""

import numpy as np
import pytest
import torch

from lib.errors import BadInput
from lib.training import class_targets, image_rates, image_start, images_of_others


def test_every_class_is_wished_equally_often():
    assert class_targets(3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    for classes, attempts in ((3, 7), (3, 0), (3, 2), (0, 2)):
        with pytest.raises(BadInput, match=f"{attempts} attempts are no multiple of {classes}"):
            class_targets(classes, attempts)


def test_images_show_another_class_than_the_target():
    labels = np.arange(40) % 4
    x = torch.arange(40.0).view(40, 1, 1, 1)
    targets = np.arange(4).repeat(25)
    found = images_of_others(x, labels, targets, np.random.default_rng(0))
    assert found.shape == (100, 1, 1, 1)
    shown = labels[found.flatten().long().numpy()]
    assert (shown != targets).all()
    for target in range(4):  # and any other class: all three come up in 25 draws with this seed
        assert set(shown[targets == target]) == set(range(4)) - {target}
    again = images_of_others(x, labels, targets, np.random.default_rng(0))
    assert torch.equal(found, again)
    other = images_of_others(x, labels, targets, np.random.default_rng(1))
    assert not torch.equal(found, other)
    with pytest.raises(BadInput, match="no image of another class than 2"):
        images_of_others(x[:1], labels[2:3], [2], np.random.default_rng(0))


def test_a_start_draws_the_image_but_for_black_and_white():
    x = torch.tensor([0.0, 0.02, 0.3, 0.5, 0.98, 1.0]).view(1, 1, 2, 3)
    logits = image_start(x)
    assert torch.isfinite(logits).all() and logits.abs().max() < 4
    wanted = torch.tensor([0.02, 0.02, 0.3, 0.5, 0.98, 0.98]).view(1, 1, 2, 3)
    torch.testing.assert_close(logits.sigmoid(), wanted, rtol=0, atol=1e-6)  # float32 rounding
    assert image_rates(3).tolist() == pytest.approx([0.1] * 3)
