"""The networks behind two rows of the size table: every count, and shapes from end to end."""

import pytest
import torch

from lib import models
from lib.models import build, count_parameters


def count(make):
    return count_parameters(build(make, torch.Generator().manual_seed(0)))


def test_dcgan_counts_by_hand():
    k = 4 * 4
    generator = k * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64)
    discriminator = k * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    # with batch norms
    assert generator + 2 * (512 + 256 + 128 + 64) == count(models.dcgan_generator) == 3_574_656
    found = count(models.dcgan_discriminator)
    assert discriminator + 2 * (128 + 256 + 512) == found == 2_763_520


def test_gpnd_counts_by_hand():
    k = 4 * 4
    trunk = k * (64 + 64 * 256 + 256 * 512) + (64 + 256 + 512) + 2 * (256 + 512)
    assert trunk + k * 512 * 32 + 32 == count(models.gpnd_encoder)
    assert trunk + k * 512 + 1 == count(models.gpnd_image_discriminator)
    generator = k * (32 * 256 + 256 * 256 + 256 * 128 + 128) + (256 + 256 + 128 + 1)
    assert generator + 2 * (256 + 256 + 128) == count(models.gpnd_generator)
    assert k * 10 * 256 + 256 + 2 * 256 == count(models.gpnd_unused) == 41_728
    latent = 32 * 128 + 128 + 128 * 128 + 128 + 128 + 1
    assert latent == count(models.gpnd_latent_discriminator)


@pytest.mark.parametrize(
    ("make", "given", "wanted"),
    [
        (models.dcgan_generator, (100,), (1, 64, 64)),
        (models.dcgan_discriminator, (1, 64, 64), ()),
        (models.gpnd_generator, (32,), (1, 32, 32)),
        (models.gpnd_encoder, (1, 32, 32), (32,)),
        (models.gpnd_image_discriminator, (1, 32, 32), ()),
        (models.gpnd_latent_discriminator, (32,), ()),
    ],
)
def test_shapes_from_end_to_end(make, given, wanted):
    model = build(make, torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        assert model(torch.rand(1, *given)).shape == (1, *wanted)  # one image keeps its dimension
