"""Losses of the digit networks by hand, and their one loop: learning, resuming, refusing."""

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
    options = {
        "epochs": 2,
        "batch_size": 16,
        "generator": torch.Generator().manual_seed(5),
    } | options
    return training.fit_digits(model, loss, bars(96, 1), bars(32, 2), **options)


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
    ("make", "loss"),
    [
        (lambda: digit_classifier(3), training.classification_loss),
        (lambda: digit_classifier(3, omega=4), training.cool_loss),
        (lambda: DenoisingClassifier(3), training.denoising_loss()),
        (lambda: DenoisingClassifier(3, tied=False), training.denoising_loss()),
    ],
)
def test_each_kind_learns_the_bars(make, loss):
    done = fit(network(make), loss, epochs=12, batch_size=8)
    losses = [entry["validation_loss"] for entry in done.history]
    assert losses[-1] < losses[0]
    assert done.history[-1]["validation_accuracy"] > 0.8  # chance is a third
    assert not done.model.training


def test_equal_draws_give_equal_networks_and_the_global_state_stays():
    state = torch.get_rng_state()
    first, second = (
        fit(network(lambda: DenoisingClassifier(3)), training.denoising_loss()) for _ in range(2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_training_goes_on_from_its_checkpoint(tmp_path):
    options = {"checkpoint": tmp_path / "c.pt", "fingerprint": "a"}
    whole = fit(network(), epochs=3)
    fit(network(), epochs=1, **options)
    seen = []
    resumed = fit(network(), epochs=3, progress=seen.append, **options)
    assert [entry["epoch"] for entry in seen] == [2, 3]
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_evidence_of_units_is_their_mean():
    model, (x, _) = network(lambda: digit_classifier(3, omega=2)), bars(4, 0)
    wanted = model(x).view(4, 3, 2).mean(2)
    torch.testing.assert_close(training.class_evidence(model, x), wanted)


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
        training.denoising_loss(noise=-0.1)
