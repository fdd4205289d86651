"""The autoencoder's sizes against the published counts, and the images it refuses."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import CAE, count_parameters, decoder_weights


@pytest.mark.parametrize(("channels", "expected"), [(1, 230_721), (3, 232_771)])
def test_parameter_count_is_the_published_one(channels, expected):
    # the first and the last layer take 2 · 32·4·4 weights per extra channel, and one bias more
    assert expected == 230_721 + (channels - 1) * (2 * 32 * 16 + 1)
    assert count_parameters(CAE(channels)) == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_layer_sizes(channels):
    model = CAE(channels)
    sizes, h = [], torch.rand(2, channels, 28, 28)
    for layer in [*model.encoder, *model.decoder]:
        h = layer(h)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            sizes.append(tuple(h.shape[1:]))
    expected = [(32, 15), (32, 8), (64, 5), (64, 3), (64, 4), (32, 8), (32, 14), (channels, 28)]
    assert sizes == [(c, size, size) for c, size in expected]


def test_decoder_weights_are_the_four_weights_without_biases():
    model = CAE()
    found = decoder_weights(model)
    wanted = [p for name, p in model.decoder.named_parameters() if name.endswith("weight")]
    assert len(found) == 4
    assert all(a is b for a, b in zip(found, wanted, strict=True))  # from the latent to the image


def test_refuses_images_of_another_shape():
    for shape in [
        (2, 1, 32, 32),  # would pass the encoder and come back as 28×28
        (2, 3, 28, 28),
        (1, 28, 28),
    ]:
        with pytest.raises(BadInput, match=r"\[n, 1, 28, 28\]") as caught:
            CAE()(torch.rand(shape))
        assert str(list(shape)) in str(caught.value)
        assert "\n" not in str(caught.value)
