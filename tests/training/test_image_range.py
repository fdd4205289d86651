"""Images from 0 to 255 are refused at every door of training, before anything happens."""

import pytest
import torch

from lib import training
from lib.errors import BadInput
from lib.models import CAE, LSAAutoencoder, ResNet34, build, deep_svdd

LABELS = torch.arange(4) % 2


def generator():
    return torch.Generator().manual_seed(0)


def pixels(channels=1, side=28):
    return 255 * torch.rand((4, channels, side, side), generator=generator())


def fine(x):
    return x / 255


def unlabelled(fit, make):
    def call(train, validation):
        fit(build(make, generator()), train, validation, generator=generator(), epochs=1)

    return call


def lsa(train, validation):
    network = build(LSAAutoencoder, generator())
    training.fit_lsa(network, None, train, validation, generator=generator(), epochs=1)


def digits(train, validation):
    recipe = training.digit_recipe("CNN")
    network = training.untrained_digits(recipe, seed=0, classes=2)
    sets = (train, LABELS), (validation, LABELS)
    training.fit_digits(recipe.loss, network, *sets, seed=0, identity={}, epochs=1)


def classifier(train, validation):
    network = build(lambda: ResNet34(2, width=2, channels=1), generator())
    sets = (train, LABELS), (validation, LABELS)
    training.fit_classifier(network, *sets, generator=generator(), epochs=1)


@pytest.mark.parametrize(
    ("fit", "side"),
    [
        (unlabelled(training.fit, CAE), 28),
        (unlabelled(training.fit_autoencoder, LSAAutoencoder), 28),
        (lsa, 28),
        (digits, 28),
        (classifier, 32),
    ],
    ids=["gradcon", "autoencoder", "lsa", "digits", "classifier"],
)
def test_pixel_values_are_refused(fit, side):
    x = pixels(side=side)
    for pair in ((x, fine(x)), (fine(x), x), (-fine(x), fine(x))):
        with pytest.raises(BadInput, match=r"images must lie in \[0, 1\], but reach from"):
            fit(*pair)


def test_deep_svdd_takes_images_of_about_its_range_and_no_pixel_values():
    def fit(train):
        network = deep_svdd(1)
        training.fit_deep_svdd(
            network, train, fine(pixels()), generator=generator(), epochs=1, pretrain_epochs=0
        )

    with pytest.raises(BadInput, match=r"scaled to about \[0, 1\]"):
        fit(pixels())
    fit(1.5 * fine(pixels()) - 0.2)  # as other images than those of training may be


def test_bytes_are_taken_where_they_are_divided():
    network = build(lambda: ResNet34(2, width=2, channels=1), generator())
    x = pixels(side=32)
    training.predict(network, x.to(torch.uint8))
    with pytest.raises(BadInput, match="given images must lie"):
        training.predict(network, x)
