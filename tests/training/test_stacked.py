"""Networks trained at once are those that the single loop trains one after another."""

import pytest
import torch

from lib import training
from lib.errors import BadInput
from lib.models import CAE, VAE, build

SIZES = (20, 27)  # of different lengths, and neither a multiple of the batch
ALPHAS = (0.0, 0.03)


def images(k):
    g = torch.Generator().manual_seed(k)
    sizes = SIZES[k], 5 + k
    return tuple(torch.rand(n, 1, 28, 28, generator=g, dtype=torch.float64) for n in sizes)


def networks(kind):
    drawn = [torch.Generator().manual_seed(k) for k in (0, 1)]
    # float64, since Adam makes a whole step of a rounding where a gradient is near 0
    return [build(lambda: kind(channels=1), g).double() for g in drawn]


def generators():
    return [torch.Generator().manual_seed(10 + k) for k in (0, 1)]


def stacked(kind, epochs, **options):
    train, validation = zip(*(images(k) for k in (0, 1)), strict=True)
    return training.fit_stacked(
        networks(kind),
        train,
        validation,
        generators=generators(),
        alphas=ALPHAS,
        epochs=epochs,
        batch_size=8,
        **options,
    )


@pytest.mark.parametrize(("kind", "loss"), [(CAE, "squared"), (VAE, "bce")])
def test_each_network_is_the_one_that_is_trained_alone(kind, loss):
    together = stacked(kind, 2, reconstruction=loss, keep=(1,))
    for k, (model, generator) in enumerate(zip(networks(kind), generators(), strict=True)):
        alone = training.fit(
            model,
            *images(k),
            generator=generator,
            epochs=2,
            alpha=ALPHAS[k],
            batch_size=8,
            reconstruction=loss,
            keep=(1,),
        )
        assert together[k].epoch == alone.epoch
        assert together[k].reference.steps == alone.reference.steps
        # a float64's rounding is 1e-16; seven steps and Adam's division leave it far below 1e-8
        for a, b in zip(together[k].model.parameters(), alone.model.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-8)
        for a, b in zip(together[k].reference.mean, alone.reference.mean, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-8)
        for name in ("train_J", "train_cosine", "validation_J", "validation_cosine"):
            found, wanted = (f.history[1][name] for f in (together[k], alone))
            assert found == pytest.approx(wanted, abs=1e-6)  # fit sums cosines in float32
        assert set(together[k].snapshots) == {1}


def test_an_interrupted_training_goes_on(tmp_path):
    options = {"checkpoint": tmp_path / "c.pt", "fingerprint": "a"}
    whole, seen = stacked(CAE, 2), []
    stacked(CAE, 1, **options)
    resumed = stacked(CAE, 2, progress=seen.append, **options)
    assert seen == [2]
    for a, b in zip(whole, resumed, strict=True):
        for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
            assert torch.equal(p, q)


def test_networks_of_two_kinds_and_lists_of_other_lengths_are_refused():
    train, validation = images(0)
    parts = {"generators": generators(), "alphas": ALPHAS, "epochs": 1}
    mixed = [networks(CAE)[0], networks(VAE)[0]]
    with pytest.raises(BadInput, match="one kind"):
        training.fit_stacked(mixed, [train] * 2, [validation] * 2, **parts)
    with pytest.raises(BadInput, match="own images"):
        training.fit_stacked(networks(CAE), [train], [validation], **parts)
