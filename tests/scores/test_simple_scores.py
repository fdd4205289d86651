"""Reconstruction error and the trivial scores, by hand on images of four pixels."""

import pytest
import torch

from lib import scores
from lib.errors import BadInput
from lib.models import VAE, build
from lib.scores import (
    distance_to_mean,
    distance_to_nearest,
    mean_brightness,
    reconstruction_error,
)

FLOAT32 = 1e-6  # relative: a few roundings of 6e-8


def near(*values):
    return [pytest.approx(value, rel=FLOAT32) for value in values]


def pictures(*rows):
    """One-channel images of 2×2 pixels."""
    return torch.tensor(rows).view(-1, 1, 2, 2)


def test_reconstruction_error_by_hand():
    x = pictures([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.2])
    found = reconstruction_error(torch.zeros_like, x)
    assert found.shape == (2,)
    assert found.tolist() == near((0.25 + 0.25 + 1) / 4, 0.04 / 4)
    assert reconstruction_error(lambda x: x, x).tolist() == [0, 0]
    assert reconstruction_error(lambda x: x / 2, x).tolist() == near(1.5 / 4 / 4, 0.01 / 4)


def test_reconstruction_error_is_a_mean_over_channels_too():
    x = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert reconstruction_error(torch.zeros_like, x).tolist() == near((1 + 0 + 0.25) / 3)


def test_mean_brightness_by_hand():
    x = pictures([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.2])
    assert mean_brightness(x).tolist() == near(2 / 4, 0.2 / 4)
    assert mean_brightness(torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)).item() == 0.5


def test_distance_to_mean_by_hand():
    train = pictures([0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0])  # mean (1/2, 0, 1/2, 1)
    x = pictures([0.5, 0.0, 0.5, 1.0], [0.0, 1.0, 0.5, 1.0])
    assert distance_to_mean(x, train).tolist() == near(0, (0.25 + 1) / 4)


def test_distance_to_mean_refuses_images_that_do_not_fit():
    for x, train in [
        ((2, 1, 4, 4), (0, 1, 4, 4)),
        ((2, 3, 4, 4), (5, 1, 4, 4)),
        ((2, 1, 4, 4), (5, 1, 4, 5)),
    ]:
        # three channels against one would broadcast without a word
        with pytest.raises(BadInput, match="cannot be compared"):
            distance_to_mean(torch.rand(x), torch.rand(train))


def test_distance_to_nearest_by_hand():
    train = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]).view(2, 1, 2, 2)
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.5]]).view(2, 1, 2, 2)
    # root of (1/4) to the black one; root of (0.25 / 4) to the white one
    assert distance_to_nearest(x, train).tolist() == near(0.5, 0.25)


def test_distance_to_nearest_agrees_with_a_loop_and_ignores_the_batch():
    x, train = torch.rand(7, 1, 5, 5), torch.rand(30, 1, 5, 5)
    slow = [min(float((a - b).square().mean().sqrt()) for b in train) for a in x]
    found = distance_to_nearest(x, train)
    # float32 sums of 25 numbers, which cdist takes by way of products
    torch.testing.assert_close(found, torch.tensor(slow), rtol=1e-5, atol=1e-6)
    again = distance_to_nearest(x, train, batch_size=2)
    torch.testing.assert_close(again, found, rtol=1e-5, atol=1e-6)
    order = torch.randperm(30)
    torch.testing.assert_close(distance_to_nearest(x, train[order]), found, rtol=1e-5, atol=1e-6)


def test_a_copy_is_at_distance_zero_and_near_copies_keep_their_order():
    train = torch.rand((60, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    x = train.repeat_interleave(2, 0)
    x[1::2, 0, 3, 4] = (x[1::2, 0, 3, 4] - 1e-3).abs()  # one pixel of 784
    x[3, 0, 5, 5] = (x[3, 0, 5, 5] - 1e-3).abs()
    wanted = None
    for batch_size in (1, 7, 50, 120):  # a matrix product of more rows is summed in another order
        found = distance_to_nearest(x, train, batch_size=batch_size)
        assert (found[::2] == 0).all()
        assert found[3] > found[1] > 0
        wanted = found if wanted is None else wanted
        assert torch.equal(found, wanted)
    assert wanted[1].item() == pytest.approx(1e-3 / 28, rel=1e-3)  # pixels have steps of 6e-8


PIXELS = 255 * torch.rand((2, 1, 28, 28), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sign", [1, -1])
def test_images_from_0_to_255_are_refused(sign, network):
    """Pixel values as floats score without a word otherwise: one call for each door."""
    model, reference = network()
    vae = build(VAE, torch.Generator().manual_seed(0)).eval()
    fine, x = torch.rand(3, 1, 28, 28), sign * PIXELS
    for call in (
        lambda: reconstruction_error(model, x),
        lambda: mean_brightness(x),
        lambda: distance_to_mean(x, fine),
        lambda: distance_to_nearest(fine, x),
        lambda: scores.gradient_score(model, x, reference),
        lambda: scores.fisher_diagonal(model, x),
        lambda: scores.cross_entropy_error(model, x),
        lambda: scores.latent_score(vae, x),
        lambda: scores.elbo_score(vae, x),
        lambda: scores.error_map(model.eval(), x),
        lambda: scores.saliency_map(model.eval(), x),
        lambda: scores.odin(lambda part: part.flatten(1), x),
        lambda: scores.lsa_scores(torch.nn.Identity().eval(), None, x, validation=None),
        lambda: scores.log_outputs(torch.nn.Flatten(), x),
    ):
        with pytest.raises(BadInput, match=r"must lie in \[0, 1\], but reach from"):
            call()
    network = torch.nn.Flatten().eval()
    with pytest.raises(BadInput, match=r"scaled to about \[0, 1\]"):
        scores.deep_svdd_score(network, x, torch.zeros(784))
