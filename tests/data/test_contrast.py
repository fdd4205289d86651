"""Contrast normalisation: by hand, blind to brightness and contrast, and flat images."""

import pytest
import torch

from lib.data.contrast import (
    ContrastRange,
    contrast_normalised,
    contrast_scaled,
    fit_contrast_range,
)
from lib.errors import BadInput

ROUNDING = 1e-5  # float32: means of 64 or 192 values of size 1, divided by a deviation near 0.25


def drawn(n, *, channels=1, seed=0):
    return torch.rand((n, channels, 8, 8), generator=torch.Generator().manual_seed(seed))


def pictures(*rows):
    """One-channel images of 2×2 pixels."""
    return torch.tensor(rows).view(-1, 1, 2, 2)


def test_normalisation_by_hand():
    # mean 0.5, deviations 0.5 0.25 0.25 0.5, their mean 0.375; mean 0.25, deviation 0.375
    x = pictures([0.0, 0.25, 0.75, 1.0], [0.0, 0.0, 0.0, 1.0])
    found = contrast_normalised(x).flatten(1)
    wanted = torch.tensor([[-4, -2, 2, 4], [-2, -2, -2, 6]]) / 3
    torch.testing.assert_close(found, wanted, rtol=0, atol=ROUNDING)


def test_scaling_by_hand():
    # the two images above reach from -4/3 to 2, a length of 10/3
    train = pictures([0.0, 0.25, 0.75, 1.0], [0.0, 0.0, 0.0, 1.0])
    fitted = fit_contrast_range(train)
    assert fitted == pytest.approx((-4 / 3, 2), abs=ROUNDING)
    found = contrast_scaled(train, fitted).flatten(1)
    wanted = torch.tensor([[0, 0.2, 0.6, 0.8], [0.2, 0.2, 0.2, 1]])
    torch.testing.assert_close(found, wanted, rtol=0, atol=ROUNDING)


def test_training_images_fill_the_range_and_others_may_leave_it():
    train = drawn(20)
    fitted = fit_contrast_range(train)
    inside = contrast_scaled(train, fitted)
    assert (inside.min(), inside.max()) == (0, 1)
    dot = torch.zeros(1, 1, 8, 8)
    dot[..., 3, 3] = 1  # all contrast in one pixel: more than in any noise
    assert contrast_scaled(dot, fitted).max() > 1
    assert contrast_scaled(1 - dot, fitted).min() < 0


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_flat_images_become_zero(value):
    # the mean of 64 times 0.1 in float32 is not 0.1; divided by itself, rounding would become ±1
    flat = torch.full((1, 3, 8, 8), value)
    x = torch.cat([flat, drawn(1, channels=3)])
    found = contrast_normalised(x)
    assert (found[0] == 0).all()
    torch.testing.assert_close(found[1:], contrast_normalised(x[1:]), rtol=0, atol=0)
    fitted = fit_contrast_range(x)
    grey = contrast_scaled(flat, fitted)
    assert grey.unique().tolist() == pytest.approx([-fitted.low / (fitted.high - fitted.low)])


def test_nonsense_is_refused():
    for call, words in [
        (lambda: contrast_normalised(torch.rand(8, 8)), r"\[n, c, h, w\]"),
        (lambda: contrast_normalised(torch.zeros((1, 1, 2, 2), dtype=torch.uint8)), "uint8"),
        (lambda: contrast_normalised(torch.full((1, 1, 2, 2), torch.nan)), "finite"),
        (lambda: fit_contrast_range(drawn(0)), "no training images"),
        (lambda: fit_contrast_range(torch.full((3, 1, 2, 2), 0.1)), "no contrast"),
        (lambda: contrast_scaled(drawn(1), ContrastRange(1.0, 1.0)), "must rise"),
        (lambda: contrast_scaled(drawn(1), ContrastRange(0.0, float("nan"))), "must rise"),
    ]:
        with pytest.raises(BadInput, match=words):
            call()
