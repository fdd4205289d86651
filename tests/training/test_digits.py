"""The digit networks: losses by hand, names, learning, resuming, refusing."""

import math

import pytest
import torch

from lib import training
from lib.errors import BadInput
from lib.models import DenoisingClassifier, build, digit_classifier

G = torch.Generator().manual_seed(0)


def bars(n, seed):
    """Images of a bright row, labelled by its third of the image."""
    g = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 27, (n,), generator=g)
    x = 0.1 * torch.rand(n, 1, 28, 28, generator=g)
    for image, row in zip(x, rows, strict=True):
        image[:, row : row + 2] = 0.9
    return x, rows // 9


def network(make=lambda: digit_classifier(3), seed=0):
    return build(make, torch.Generator().manual_seed(seed))


def fit(model, loss=training.classification_loss, **options):
    options = {"epochs": 2, "batch_size": 16, "seed": 5, "identity": {"a": 0}} | options
    return training.fit_digits(loss, model, bars(96, 1), bars(32, 2), **options)


def test_the_cool_loss_by_hand():
    class Fixed(torch.nn.Module):
        classes = 2

        def forward(self, x):
            return torch.tensor([[0.0, math.log(3), 0.0, 0.0]])  # units: 1/6, 3/6, 1/6, 1/6

    found = training.cool_loss(Fixed(), torch.zeros(1, 1), torch.tensor([0]), G)
    wanted = -(math.log(1 / 6) + math.log(3 / 6)) / 2
    assert float(found) == pytest.approx(wanted, abs=1e-6)  # float32


def test_cool_with_one_unit_is_the_plain_loss():
    model, (x, labels) = network(), bars(8, 0)
    plain = training.classification_loss(model, x, labels, G)
    torch.testing.assert_close(training.cool_loss(model, x, labels, G), plain)


def test_the_denoising_loss_is_its_two_terms_on_one_noisy_image():
    model, (x, labels) = network(lambda: DenoisingClassifier(3)), bars(8, 0)
    found = training.denoising_loss(noise=0.3, weight=4.0)(
        model, x, labels, torch.Generator().manual_seed(3)
    )
    noise = 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    logits, drawn = model.both(x + noise)
    p = drawn.sigmoid()
    error = -(x * p.log() + (1 - x) * (1 - p).log()).mean()
    wanted = -logits.log_softmax(1)[range(8), labels].mean() + 4.0 * error
    torch.testing.assert_close(found, wanted)
    squared = training.denoising_loss(noise=0.3, weight=4.0, error="squared")
    found = squared(model, x, labels, torch.Generator().manual_seed(3))
    torch.testing.assert_close(found, wanted + 4.0 * ((p - x).square().mean() - error))


def test_without_noise_nothing_is_drawn():
    model, (x, labels) = network(lambda: DenoisingClassifier(3)), bars(8, 0)
    g = torch.Generator().manual_seed(3)
    state = g.get_state()
    training.denoising_loss(noise=0.0)(model, x, labels, g)
    assert torch.equal(g.get_state(), state)


@pytest.mark.parametrize(
    ("name", "outputs", "tied"),
    [("CNN", 3, None), ("COOL", 12, None), ("dAE sym", 3, True), ("dAE asym", 3, False)],
)
def test_each_name_makes_a_network_that_learns_the_bars(name, outputs, tied):
    recipe = training.digit_recipe(name, omega=4)
    model = training.untrained_digits(recipe, seed=0, classes=3)
    x, labels = bars(32, 2)
    assert model(x[:2]).shape == (2, outputs) and not model.training
    assert isinstance(model, DenoisingClassifier) is (tied is not None)
    history = fit(model, recipe.loss, epochs=4, batch_size=8)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    right = model(x).view(32, 3, -1).mean(2).argmax(1) == labels
    assert history[-1]["validation_accuracy"] == right.double().mean() > 0.6  # chance is a third
    assert not model.training


def test_networks_of_one_seed_begin_with_equal_layers():
    first, second = (
        training.untrained_digits(training.digit_recipe(name), seed=4, classes=3).trunk
        for name in ("CNN", "dAE sym")
    )
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_training_goes_on_from_its_own_checkpoint_and_leaves_the_global_state(tmp_path):
    path, state = tmp_path / "c.pt", torch.get_rng_state()
    once, first, resumed, other = (network(lambda: DenoisingClassifier(3)) for _ in range(4))
    loss = training.denoising_loss()
    fit(once, loss, epochs=2)
    before = fit(first, loss, epochs=1, checkpoint=path)
    history = fit(resumed, loss, epochs=2, checkpoint=path)
    assert torch.equal(torch.get_rng_state(), state)
    assert history[0] == before[0]  # to the last digit of its seconds
    for a, b in zip(once.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    changed = fit(other, loss, epochs=1, checkpoint=path, identity={"a": 1})
    assert changed[0]["seconds"] != before[0]["seconds"]


def test_the_l2_term_is_half_the_squared_weights_over_the_images_without_biases():
    class Flat(torch.nn.Linear):
        classes = 3

        def forward(self, x):
            return super().forward(x.flatten(1))

    def nothing(model, x, labels, generator):
        return 0.0 * model(x).sum()

    moved = []
    for l2 in (10.0, 96e-8):
        model = build(lambda: Flat(784, 3), torch.Generator().manual_seed(0))
        start = [p.detach().clone() for p in model.parameters()]
        fit(model, nothing, epochs=1, batch_size=96, learning_rate=1e-4, l2=l2)
        assert torch.equal(model.bias, start[1])
        moved.append((start[0] - model.weight.detach(), start[0]))
    # Adam's first step is the rate times g / (|g| + 1e-8), with g the weight · l2 / 96 images
    for (step, weight), scale in zip(moved, (10 / 96, 1e-8), strict=True):
        wanted = 1e-4 * scale * weight / ((scale * weight).abs() + 1e-8)
        torch.testing.assert_close(step, wanted, rtol=0, atol=1e-8)


def test_settings_that_make_no_sense_are_refused():
    for options in [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}]:
        with pytest.raises(BadInput, match=next(iter(options))):
            fit(network(), **options)


def test_labels_outside_the_classes_are_refused():
    with pytest.raises(BadInput, match="must be 96 numbers from 0 to 1"):
        fit(network(lambda: digit_classifier(2)))


def test_a_denoising_loss_needs_a_decoder_and_weights_from_zero_up():
    x, labels = bars(4, 0)
    with pytest.raises(BadInput, match="needs a network with a decoder"):
        training.denoising_loss()(network(), x, labels, G)
    with pytest.raises(BadInput, match="noise must be a number of at least 0"):
        training.digit_recipe("dAE sym", noise=-0.1)
    with pytest.raises(BadInput, match="error must be one of"):
        training.denoising_loss(error="absolute")
    with pytest.raises(BadInput, match=r"no network 'dAE symm'.*Did you mean 'dAE sym'"):
        training.digit_recipe("dAE symm")
    with pytest.raises(BadInput, match="omega must be a whole number of at least 1"):
        training.digit_recipe("COOL", omega=0)
