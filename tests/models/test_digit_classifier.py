"""The slides' network: its sizes counted by hand, its decoder, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F

from lib.errors import BadInput
from lib.models import (
    DenoisingClassifier,
    build,
    count_parameters,
    digit_classifier,
)
from lib.models.digit_classifier import unpooled_convolution

TRUNK = (25 + 1) * 32 + (32 * 25 + 1) * 64 + (3136 + 1) * 400
BIASES = 3136 + 32 + 1
WEIGHTS = 400 * 3136 + 64 * 25 * 32 + 32 * 25


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (lambda: digit_classifier(10), TRUNK + 401 * 10),
        (lambda: digit_classifier(10, omega=10), TRUNK + 401 * 100),
        (lambda: DenoisingClassifier(10), TRUNK + 401 * 10 + BIASES),
        (lambda: DenoisingClassifier(10, tied=False), TRUNK + 401 * 10 + BIASES + WEIGHTS),
    ],
)
def test_parameters_are_those_counted_by_hand(network, parameters):
    assert count_parameters(network()) == parameters


def test_unpooling_and_its_convolution_are_the_two_steps_one_after_the_other():
    g = torch.Generator().manual_seed(1)
    x, weight, bias = (
        torch.randn(size, generator=g) for size in ((2, 3, 4, 5), (3, 2, 5, 5), (2,))
    )
    wanted = F.conv_transpose2d(F.interpolate(x, scale_factor=2), weight, bias, padding=2)
    # sums of 75 products in another order: some roundings of 6e-8 at a size of up to 20
    torch.testing.assert_close(unpooled_convolution(x, weight, bias), wanted, rtol=0, atol=2e-5)


def test_a_tied_decoder_moves_with_the_encoder():
    g = torch.Generator().manual_seed(0)
    network = build(lambda: DenoisingClassifier(3), g)
    z = torch.rand(1, 400, generator=g)
    before = network.decode(z)
    with torch.no_grad():
        network.trunk[0].weight.mul_(2)
    # the last layer is linear in the first filters, and its bias begins at zero
    torch.testing.assert_close(network.decode(z), 2 * before)


@pytest.mark.parametrize("tied", [True, False])
def test_a_decoder_draws_images_like_its_input_from_the_same_pass(tied):
    g = torch.Generator().manual_seed(0)
    network = build(lambda: DenoisingClassifier(3, tied=tied), g)
    x = torch.rand(5, 1, 28, 28, generator=g)
    logits, drawn = network.both(x)
    assert logits.shape == (5, 3)
    assert drawn.shape == x.shape
    assert torch.equal(logits, network(x))
    assert torch.equal(drawn.sigmoid(), network.reconstruct(x))


def test_images_do_not_influence_each_other():
    g = torch.Generator().manual_seed(0)
    network = build(lambda: DenoisingClassifier(10), g)
    x = torch.rand(4, 1, 28, 28, generator=g)
    alone = torch.cat([network.reconstruct(image[None]) for image in x])
    # float32 sums in another order: about a hundred roundings of 6e-8
    torch.testing.assert_close(network.reconstruct(x), alone, rtol=0, atol=1e-5)


def test_a_number_of_classes_that_is_none_is_refused():
    for classes in [0, -1, 2.0, True]:
        with pytest.raises(BadInput, match="classes must be a whole number of at least 1"):
            digit_classifier(classes)


def test_images_of_another_size_are_refused():
    with pytest.raises(BadInput, match=r"takes images \[n, 1, 28, 28\]"):
        digit_classifier(10)(torch.zeros(1, 1, 32, 32))
