"""Deep SVDD's training: two stages, a centre away from zero, resumed, and refusing nonsense."""

import math

import pytest
import torch

from lib.errors import BadInput
from lib.models import build
from lib.models.deep_svdd import deep_svdd
from lib.scores.deep_svdd import deep_svdd_score
from lib.training.deep_svdd import centre_of, fit_deep_svdd


def network(seed=0, channels=1):
    return build(lambda: deep_svdd(channels), torch.Generator().manual_seed(seed))


def run(made=None, *, weights=0, batches=0, train=None, validation=None, **options):
    """A small training: three batches per epoch."""
    return fit_deep_svdd(
        network(weights) if made is None else made,
        drawn(24, 1) if train is None else train,
        drawn(10, 2) if validation is None else validation,
        generator=torch.Generator().manual_seed(batches),
        **{"epochs": 2, "pretrain_epochs": 2, "batch_size": 8, "learning_rate": 1e-3} | options,
    )


def drawn(n, seed, *, channels=1, vertical=False):
    """Images of one bright bar near the top (or the left) edge, on a dark noisy ground."""
    g = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand((n, channels, 28, 28), generator=g)
    for image, start in zip(x, torch.randint(2, 6, (n,), generator=g), strict=True):
        image[:, start : start + 5] = 0.9
    return x.transpose(2, 3).contiguous() if vertical else x


def equal(a, b):
    """Whether two states are alike to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def timeless(history):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]


def same(a, b):
    """Whether two trainings ended alike to the last bit, seconds aside."""
    return (
        equal(a.network.state_dict(), b.network.state_dict())
        and torch.equal(a.centre, b.centre)
        and timeless(a.pretraining) == timeless(b.pretraining)
        and timeless(a.history) == timeless(b.history)
    )


def killed_after_entries(count):
    """A progress function that stops after so many epochs of both stages together."""
    seen = []

    def progress(entry):
        seen.append(entry)
        if len(seen) == count:
            raise KeyboardInterrupt

    return progress


# --- training


@pytest.mark.parametrize("channels", [1])
def test_training_lowers_both_objectives(channels):
    made, start = network(channels=channels), network(channels=channels)
    found = run(
        made,
        train=drawn(32, 1, channels=channels),
        validation=drawn(8, 2, channels=channels),
        epochs=5,
        pretrain_epochs=5,
        batch_size=16,
    )
    assert found.network is made
    for a, b in zip(made.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-4  # every tensor moved, by more than rounding
    for history, key in ((found.pretraining, "train_L"), (found.history, "train_distance")):
        losses = [entry[key] for entry in history]
        assert losses[-1] < 0.8 * losses[0], key  # measured: below 0.6 of it


def test_one_class_training_alone_keeps_the_objective_by_hand():
    # one step of Adam at a rate that moves nothing: the loss is that of the start, in training mode
    made, x = network(), drawn(8, 1)
    found = run(made, train=x, epochs=1, pretrain_epochs=0, learning_rate=1e-30)
    fresh = network()
    centre = centre_of(fresh.eval()(x).detach())
    assert torch.equal(found.centre, centre)
    distance = (fresh.train()(x) - centre).square().sum(1).mean().item()
    assert found.history[0]["train_distance"] == pytest.approx(distance, rel=1e-5)  # float32
    assert found.pretraining == []
    scores = deep_svdd_score(found.network, drawn(10, 2), found.centre)
    wanted = pytest.approx(scores.mean().item(), rel=1e-5)  # float32
    assert found.history[0]["validation_distance"] == wanted


def test_the_centre_is_that_of_the_pretrained_network():
    pretrained = run(pretrain_epochs=2, epochs=1, learning_rate=1e-3)
    other = run(pretrain_epochs=2, epochs=4, learning_rate=1e-3)
    assert torch.equal(pretrained.centre, other.centre)  # it stays
    assert not torch.equal(pretrained.centre, run(pretrain_epochs=3).centre)
    assert (pretrained.centre.abs() >= 0.1).all()
    assert not pretrained.centre.requires_grad


@pytest.mark.parametrize(
    ("stage", "epochs", "milestones", "wanted"),
    [
        ("epochs", 4, {"milestone": 2}, [1, 1, 0.1, 0.1]),
        ("epochs", 2, {"milestone": None}, [1, 1]),
        ("epochs", 2, {}, [1, 1]),  # 50 by default
        ("pretrain_epochs", 3, {"pretrain_milestone": 1}, [1, 0.1, 0.1]),
        ("pretrain_epochs", 2, {"milestone": 1}, [1, 1]),
    ],
)
def test_the_rate_falls_after_the_milestone_of_its_stage(
    monkeypatch, stage, epochs, milestones, wanted
):
    rates, step = [], torch.optim.Adam.step

    def noted(self, *arguments, **options):
        rates.append(self.param_groups[0]["lr"] / 1e-3)
        return step(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    counts = {"epochs": 1, "pretrain_epochs": 1} | {stage: epochs}
    run(train=drawn(8, 1), **counts, **milestones)  # one batch an epoch
    here = rates[1:] if stage == "epochs" else rates[:-1]
    assert here == pytest.approx(wanted)


def test_the_defaults_are_the_codes(monkeypatch):
    made, seen = network(), []
    adam = torch.optim.Adam.__init__

    def noted(self, parameters, **options):
        seen.append(options)
        adam(self, parameters, **options)

    monkeypatch.setattr(torch.optim.Adam, "__init__", noted)
    x = drawn(201, 1)
    generator = torch.Generator().manual_seed(0)
    calls = []
    made.register_forward_pre_hook(lambda module, given: calls.append(len(given[0])))
    fit_deep_svdd(made, x, x[:2], generator=generator, epochs=1, pretrain_epochs=1)
    assert seen == [{"lr": 1e-4, "weight_decay": 1e-6}] * 2
    # pre-training: 200 of 201 images, then validation; all outputs; training, validation
    assert calls == [200, 2, 200, 1, 200, 2]


def test_weight_decay_reaches_both_stages():
    plain, pulled = (run(weight_decay=decay, epochs=1) for decay in (0.0, 1.0))
    assert not torch.equal(plain.centre, pulled.centre)
    alone = [run(weight_decay=d, epochs=1, pretrain_epochs=0) for d in (0.0, 1.0)]
    assert torch.equal(alone[0].centre, alone[1].centre)
    assert not equal(*(found.network.state_dict() for found in alone))


# --- resuming


@pytest.mark.parametrize("epochs_done", [1, 2, 4])  # within, at the end of, and past stage one
def test_resumed_training_ends_as_an_uninterrupted_one(tmp_path, epochs_done):
    options = {"epochs": 3, "pretrain_epochs": 2}
    whole = run(**options)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        run(progress=killed_after_entries(epochs_done), **options, **path)
    told = []
    # other initial weights and another stream: everything must come from the files
    found = run(weights=7, batches=7, progress=told.append, **options, **path)
    assert len(told) == 5 - epochs_done
    assert same(found, whole)


@pytest.mark.parametrize("pretrain_epochs", [0, 1])
def test_the_centre_stays_with_its_weights_when_the_pretraining_file_is_lost(
    tmp_path, pretrain_epochs
):
    options = {"pretrain_epochs": pretrain_epochs, "checkpoint": tmp_path / "fit.pt"}
    whole = run(**options)
    (tmp_path / "fit.pt.pretraining").unlink(missing_ok=True)
    found = run(weights=7, batches=7, **options)
    assert equal(found.network.state_dict(), whole.network.state_dict())
    assert torch.equal(found.centre, whole.centre)


# --- centre


def test_the_centre_by_hand():
    z = torch.tensor([[1.0, -0.04, 0.06, 0.5, -0.1, 0.0], [3.0, -0.02, 0.08, -1.5, -0.1, 0.0]])
    # means 2, -0.03, 0.07, -0.5, -0.1, 0
    wanted = torch.tensor([2.0, -0.1, 0.1, -0.5, -0.1, 0.1])
    torch.testing.assert_close(centre_of(z), wanted, rtol=1e-6, atol=0)  # float32


def test_no_coordinate_of_the_centre_is_near_zero():
    z = 0.2 * torch.randn((500, 64), generator=torch.Generator().manual_seed(0)) ** 3
    mean, centre = z.mean(0), centre_of(z)
    assert (mean.abs() < 0.1).any() and (centre.abs() >= 0.1).all()
    assert torch.equal(centre.sign(), mean.sign())
    far = mean.abs() >= 0.1
    assert torch.equal(centre[far], mean[far])


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *[({"epochs": v}, "epochs must be") for v in (0,)],
        *[({"pretrain_epochs": v}, "pretrain_epochs must be") for v in (-1,)],
        *[({"batch_size": v}, "batch_size must be") for v in (0,)],
        ({"batch_size": 1}, "at least two images in a batch"),
        ({"train": drawn(1, 1)}, "at least two images in a batch"),
        *[({"milestone": v}, "milestone must be") for v in (0,)],
        *[({"pretrain_milestone": v}, "pretrain_milestone must be") for v in (0,)],
        *[({"learning_rate": v}, "learning_rate must be") for v in (0, -1e-3, math.nan)],
        *[({"weight_decay": v}, "weight_decay must be") for v in (-1e-6, math.inf)],
        ({"train": drawn(0, 1)}, "no training images"),
        ({"validation": drawn(0, 1)}, "no validation images"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(tmp_path, change, words):
    made = network()
    with pytest.raises(BadInput, match=words) as caught:
        run(made, checkpoint=tmp_path / "fit.pt", **change)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert equal(made.state_dict(), network().state_dict())
