"""ResNet-34: parameters by arithmetic, shapes, normalisation and memory layout."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import (
    CIFAR_DEVIATION,
    CIFAR_MEAN,
    Classifier,
    ResNet34,
    build,
    count_parameters,
)


def network(*arguments, **options):
    g = torch.Generator().manual_seed(0)
    return build(lambda: ResNet34(*arguments, **options), g).eval()


def images(n, channels=3, seed=1):
    return torch.rand((n, channels, 32, 32), generator=torch.Generator().manual_seed(seed))


def block(a, b):
    """Two 3×3 convolutions with a batch norm each, and a 1×1 one with its own where a != b."""
    return 9 * a * b + 9 * b * b + 4 * b + (a * b + 2 * b) * (a != b)


def by_arithmetic(classes, width, channels):
    w = width
    first = 9 * channels * w + 2 * w
    stages = 3 * block(w, w)
    stages += block(w, 2 * w) + 3 * block(2 * w, 2 * w)
    stages += block(2 * w, 4 * w) + 5 * block(4 * w, 4 * w)
    stages += block(4 * w, 8 * w) + 2 * block(8 * w, 8 * w)
    return first + stages + 8 * w * classes + classes


@pytest.mark.parametrize(("classes", "width", "channels"), [(10, 64, 3), (80, 4, 1)])
def test_parameter_count(classes, width, channels):
    model = network(classes, width=width, channels=channels)
    assert count_parameters(model) == by_arithmetic(classes, width, channels)
    if width == 64:  # 21.28 M, says methods.md 4.2
        assert count_parameters(model) == 21_282_122


def test_sizes_halve_three_times_and_z_is_the_mean_of_the_last():
    model, sizes = network(2, width=2), []
    h = images(2)
    for layer in model.trunk[:-1]:
        h = layer(h)
        sizes.append(h.shape[-1])
    assert sizes == [32] * 3 + [32] * 3 + [16] * 4 + [8] * 6 + [4] * 3
    assert torch.equal(model.features(images(2)), h.mean((2, 3)))


def test_a_block_adds_its_branch_to_its_shortcut():
    model = network(2, width=2)
    g = torch.Generator().manual_seed(3)
    for block, a in ((model.trunk[3], 2), (model.trunk[6], 2)):  # the latter with stride 2
        x = torch.randn((2, a, 8, 8), generator=g)
        wanted = (block.branch(x) + block.shortcut(x)).clamp(min=0)
        assert torch.equal(block(x), wanted)
    assert isinstance(model.trunk[3].shortcut, nn.Identity)


def test_images_are_normalised_inside_the_network():
    plain = network(3, width=2)
    normalising = network(3, width=2, mean=CIFAR_MEAN, deviation=CIFAR_DEVIATION)
    x = images(4)
    by_hand = torch.stack([(x[:, c] - CIFAR_MEAN[c]) / CIFAR_DEVIATION[c] for c in range(3)], dim=1)
    assert torch.equal(normalising.normalise(x), by_hand)
    assert torch.equal(normalising(x), plain(by_hand))


def test_sizes_that_are_no_whole_number_are_refused():
    for name in ["classes", "width", "channels"]:
        for value in [0, 2.0, True]:
            options = {"classes": 10, "width": 8, "channels": 3} | {name: value}
            with pytest.raises(BadInput, match=f"{name} must be a whole number of at least 1"):
                ResNet34(**options)


def test_images_of_another_shape_are_refused():
    for shape in [(2, 1, 32, 32), (2, 3, 28, 28), (3, 32, 32), (2, 3, 32, 16)]:
        with pytest.raises(BadInput, match=r"takes images \[n, 3, 32, 32\]"):
            network(2, width=1)(torch.zeros(shape))


def test_a_mean_that_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="3 channels need as many means, but 1 came"):
        ResNet34(2, width=1, mean=[0.5])
    with pytest.raises(BadInput, match="deviations above 0"):
        ResNet34(2, width=1, deviation=[0.5, 0.0, 0.5])
    with pytest.raises(BadInput, match="one number for each channel"):
        Classifier(
            nn.Flatten(), nn.Linear(4, 2), classes=2, size=2, mean=[0.0], deviation=[1.0, 1.0]
        )
