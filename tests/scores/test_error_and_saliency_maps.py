"""Error and saliency maps by hand, by differences, and without a trace."""

import pytest
import torch

from lib.errors import BadInput
from lib.models import CAE, LSAAutoencoder, build
from lib.scores import error_map, input_gradient, saliency_map, scaled

FLOAT32 = 1e-6  # relative: a few roundings of 6e-8
FLOAT64 = 1e-12  # sums of up to 784 terms in another order
MAPS = [error_map, input_gradient, saliency_map]


def images(*shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture
def model():
    """LSA's autoencoder in float64 after a few batches have moved its running averages."""
    made = build(LSAAutoencoder, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for seed in range(3):
            made(images(8, 1, 28, 28, seed=10 + seed))
    return made.eval()


def test_error_map_by_hand():
    x = torch.tensor([[[[0.0, 0.5], [1.0, 0.2]]]])
    found = error_map(lambda x: x / 2, x)
    assert found.shape == (1, 2, 2)
    wanted = torch.tensor([[[0.0, 0.25**2], [0.5**2, 0.1**2]]])
    torch.testing.assert_close(found, wanted, rtol=FLOAT32, atol=0)


def test_maps_take_the_largest_of_several_channels():
    x = torch.tensor([[0.2, 0.5], [0.8, 0.1], [0.4, 0.3]]).view(1, 3, 1, 2).double()
    wanted = torch.tensor([[[0.8, 0.5]]]).double()
    torch.testing.assert_close(error_map(torch.zeros_like, x), wanted**2, rtol=FLOAT64, atol=0)
    # mean over 3·2 numbers of x²; the target alone carries the gradient
    found = saliency_map(torch.zeros_like, x)
    torch.testing.assert_close(found, 2 * wanted / 6, rtol=FLOAT64, atol=0)


def test_the_largest_channel_is_found_after_the_absolute_value():
    # the error of x → 1 - x is the mean of (2x - 1)², with a gradient of -1.8 and 0.8 in the pixels
    x = torch.tensor([0.05, 0.7]).view(1, 2, 1, 1)
    found = saliency_map(lambda x: 1 - x, x)
    assert found.item() == pytest.approx(1.8, rel=FLOAT32)


@pytest.mark.parametrize("a", [0.5, -1.0])
def test_saliency_goes_through_the_target_and_the_network(a):
    # mean of (x - a x)² over 3·4 pixels; without the target's part it would be 2 a (a - 1) x / 12
    x = images(3, 1, 3, 4)
    signed = 2 * (1 - a) ** 2 * x / 12
    torch.testing.assert_close(input_gradient(lambda x: a * x, x), signed, rtol=FLOAT64, atol=0)
    found = saliency_map(lambda x: a * x, x)
    assert found.shape == (3, 3, 4)
    torch.testing.assert_close(found, signed[:, 0].abs(), rtol=FLOAT64, atol=0)


def test_saliency_is_the_slope_of_the_error(model):
    x = images(2, 1, 28, 28)
    signed, step = input_gradient(model, x), 1e-6
    assert torch.equal(saliency_map(model, x), signed.abs()[:, 0])
    for pixel in [(0, 0), (5, 17), (14, 14), (27, 3)]:
        moved = torch.zeros_like(x)
        moved[:, 0, *pixel] = step
        high, low = (error_map(model, x + side * moved).mean((1, 2)) for side in (1, -1))
        slope = (high - low) / (2 * step)
        # errors near 0.3 carry 5e-17 and a step of 1e-6: 5e-11 is lost, and a little more to kinks
        # of LeakyReLU in between
        torch.testing.assert_close(slope, signed[:, 0, *pixel], rtol=0, atol=1e-9)
        assert slope.abs().min() > 1e-6


@pytest.mark.parametrize("of", MAPS)
def test_a_batch_equals_one_at_a_time(model, of):
    x = images(5, 1, 28, 28)
    alone = torch.cat([of(model, image[None]) for image in x])
    assert alone.flatten(1).abs().amax(1).min() > 0
    found = of(model, x, batch_size=2)
    torch.testing.assert_close(found, alone, rtol=0, atol=FLOAT64)


@pytest.mark.parametrize("of", MAPS)
@pytest.mark.parametrize("state", ["with gradients", "no grad"])
def test_maps_leave_no_trace(leaves_no_trace, model, of, state):
    leaves_no_trace(of, model, images(3, 1, 28, 28), state)


@pytest.mark.parametrize("of", MAPS)
def test_nonsense_is_refused_in_words(of):
    for shape in [(0, 1, 4, 4), (1, 4, 4), (2, 0, 4, 4)]:
        with pytest.raises(BadInput, match=r"images \[n, c, h, w\]"):
            of(lambda x: x, torch.zeros(shape))
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        of(lambda x: x, torch.zeros(1, 1, 4, 4), batch_size=0)
    with pytest.raises(BadInput, match=r"shape \[2, 3, 4, 4\] of the images"):
        of(lambda x: x[:, :1], torch.zeros(2, 3, 4, 4))  # one channel would broadcast
    with pytest.raises(BadInput, match=r"call model\.eval\(\)"):
        of(CAE(), torch.zeros(2, 1, 28, 28))


def test_scaled_by_hand():
    maps = torch.tensor([[[0.0, 1.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[3.0] * 2] * 2])
    wanted = [[[0.0, 0.25], [0.5, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0] * 2] * 2]
    before = maps.clone()
    assert scaled(maps).tolist() == wanted
    assert torch.equal(maps, before)


def test_scaled_maps_do_not_depend_on_strength():
    maps = images(4, 5, 6)
    factors = torch.tensor([1e-200, 0.3, 7.0, 1e200], dtype=torch.float64).view(4, 1, 1)
    torch.testing.assert_close(scaled(maps * factors), scaled(maps), rtol=FLOAT64, atol=0)
    assert torch.equal(scaled(maps).amax((1, 2)), torch.ones(4).double())


def test_scaled_refuses_values_without_a_share_of_the_maximum():
    for value in [-0.1, float("nan"), float("inf")]:
        maps = torch.ones(2, 3, 3)
        maps[1, 0, 2] = value
        with pytest.raises(BadInput, match="finite and nowhere below 0"):
            scaled(maps)
