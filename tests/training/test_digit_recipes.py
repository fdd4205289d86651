"""Digit networks by name: what sets them apart, negative samples, and what is refused."""

import pytest
import torch

from lib import training
from lib.errors import BadInput
from lib.models import DenoisingClassifier

G = torch.Generator().manual_seed(0)
X, LABELS = torch.rand(24, 1, 28, 28, generator=G), torch.arange(24) % 3


def fitted(name, *, negatives=None, **options):
    recipe = training.digit_recipe(name, omega=2)
    network = training.untrained_digits(recipe, seed=0, classes=3)
    options = {"seed": 0, "identity": {"name": name}, "epochs": 1, "batch_size": 8} | options
    return training.fit_digit_recipe(
        recipe, network, (X, LABELS), (X[:6], LABELS[:6]), negatives=negatives, **options
    )


@pytest.mark.parametrize(
    ("name", "outputs", "decoder"),
    [
        ("CNN", 3, False),
        ("COOL", 6, False),
        ("dAE sym", 3, True),
        ("dAE asym", 3, True),
        ("CNN with negatives", 4, False),
        ("autoencoder", 3, True),
    ],
)
def test_each_name_makes_its_network(name, outputs, decoder):
    assert name in training.DIGIT_NETWORKS
    network = training.untrained_digits(training.digit_recipe(name, omega=2), seed=0, classes=3)
    assert network(X[:2]).shape == (2, outputs)
    assert isinstance(network, DenoisingClassifier) is decoder
    assert not network.training


def test_networks_of_one_seed_begin_with_equal_layers():
    first, second = (
        training.untrained_digits(training.digit_recipe(name), seed=4, classes=3).trunk
        for name in ("CNN", "dAE sym")
    )
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_noise_sets_the_denoising_network_apart_from_the_plain_one():
    noisy, plain = (fitted(name).history[0]["train_loss"] for name in ("dAE sym", "autoencoder"))
    assert noisy != plain


def test_negative_samples_are_one_more_class_with_a_tenth_held_out():
    done = fitted("CNN with negatives", negatives=torch.zeros(20, 1, 28, 28), epochs=12)
    assert done.model.classes == 4
    found = done.model(torch.zeros(1, 1, 28, 28)).argmax()
    assert int(found) == 3


def test_a_checkpoint_belongs_to_one_identity(tmp_path):
    path, seen = tmp_path / "c.pt", []
    fitted("CNN", checkpoint=path)
    fitted("CNN", checkpoint=path, progress=seen.append)
    assert seen == []
    fitted("CNN", checkpoint=path, progress=seen.append, identity={"name": "another"})
    assert len(seen) == 1


def test_negatives_without_a_class_for_them_and_the_reverse_are_refused():
    with pytest.raises(BadInput, match="Negative samples go with"):
        fitted("CNN", negatives=X)
    with pytest.raises(BadInput, match="Negative samples go with"):
        fitted("CNN with negatives")


def test_other_bad_input_is_refused_in_words():
    with pytest.raises(BadInput, match=r"no network 'dAE symm'.*Did you mean 'dAE sym'"):
        training.digit_recipe("dAE symm")
    with pytest.raises(BadInput, match="omega must be a whole number of at least 1"):
        training.digit_recipe("COOL", omega=0)
    with pytest.raises(BadInput, match="noise must be a number of at least 0"):
        training.digit_recipe("dAE sym", noise=-0.1)
