"""LSA's training: the loss by hand, both terms' gradients, resumed, and refusing nonsense."""

import math

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build
from lib.models.lsa_estimator import LSAEstimator
from lib.training.lsa import fit_lsa

BOTH = pytest.mark.parametrize("alone", [False, True])  # without the estimator too


class Tiny(nn.Module):
    """Images of 4×4 pixels through three numbers in (0, 1), with a batch norm."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 3), nn.BatchNorm1d(3), nn.Sigmoid()
        )
        self.decoder = nn.Sequential(nn.Linear(3, 16), nn.Unflatten(1, (1, 4, 4)))

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)


class Still(nn.Module):
    """Two pixels: the code is two weights, whatever the image; the picture is half the code."""

    def __init__(self, *w):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))
        self.shown = []

    def encode(self, x):
        if self.training:
            self.shown.append(x.clone())
        return self.w.expand(len(x), -1)

    def decode(self, z):
        return z.view(-1, 1, 1, 2) / 2


def tiny(seed=0):
    return build(Tiny, torch.Generator().manual_seed(seed))


def estimator(seed=0, length=3):
    def make():
        return LSAEstimator(length=length, width=2, bins=4)

    return build(make, torch.Generator().manual_seed(seed))


def drawn(n, seed):
    """Images of one bright row, on a dark noisy ground."""
    g = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand((n, 1, 4, 4), generator=g)
    x[torch.arange(n), 0, torch.randint(4, (n,), generator=g)] += 0.8
    return x


def run(*, weights=0, batches=0, epochs=2, alone=False, networks=None, **options):
    """A small training: three batches per epoch."""
    first, second = (tiny(weights), estimator(weights)) if networks is None else networks
    options = {"train": drawn(24, 1), "validation": drawn(10, 2)} | options
    return fit_lsa(
        first,
        None if alone else second,
        options.pop("train"),
        options.pop("validation"),
        generator=torch.Generator().manual_seed(batches),
        epochs=epochs,
        **{"batch_size": 8, "learning_rate": 1e-2} | options,
    )


def states(found):
    networks = [found.autoencoder, found.estimator]
    return [t for m in networks if m is not None for t in m.state_dict().values()]


def same(a, b):
    """Whether two trainings ended alike to the last bit, seconds aside."""
    histories = [
        [{k: v for k, v in entry.items() if k != "seconds"} for entry in found.history]
        for found in (a, b)
    ]
    pairs = zip(states(a), states(b), strict=True)
    return histories[0] == histories[1] and all(torch.equal(x, y) for x, y in pairs)


# --- the loss


def test_losses_by_hand():
    # codes (0.2, 0.6), pictures (0.1, 0.3); an estimator that gives each bin 1/4
    model, second = Still(0.2, 0.6), estimator(length=2)
    for p in second.parameters():
        nn.init.zeros_(p)
    x = torch.tensor([[0.1, 0.8], [0.5, 0.3]]).view(2, 1, 1, 2)
    options = {"train": x, "validation": x[:1], "epochs": 1, "learning_rate": 1e-30}
    entry = run(networks=(model, second), weight=0.5, **options).history[0]
    wanted = {
        "epoch": 1,
        "train_error": (0.5**2 + 0.4**2) / 2,  # summed over pixels, averaged over images
        "validation_error": 0.5**2,
        "train_nll": 2 * math.log(4),
        "validation_nll": 2 * math.log(4),
        "train_L": (0.5**2 + 0.4**2) / 2 + 0.5 * 2 * math.log(4),
        "validation_L": 0.5**2 + 0.5 * 2 * math.log(4),
    }
    assert {k: v for k, v in entry.items() if k != "seconds"} == pytest.approx(wanted, rel=1e-6)
    # float32; the weight is 1 unless said otherwise
    plain = run(networks=(Still(0.2, 0.6), second), **options).history[0]
    assert plain["validation_L"] == pytest.approx(0.5**2 + 2 * math.log(4), rel=1e-6)


def test_the_first_step_by_hand():
    # Adam's first step is the rate against the gradient's sign: towards twice the picture's pixels
    model, x = Still(0.2, 0.6), torch.tensor([0.4, 0.1]).expand(4, 1, 1, 2)
    found = run(networks=(model, None), train=x, validation=x, epochs=1, learning_rate=0.01)
    assert found.autoencoder is model
    assert model.w.tolist() == pytest.approx([0.21, 0.59], rel=1e-6)  # float32
    # the default rate is the supplement's
    model = Still(0.2, 0.6)
    fit_lsa(model, None, x, x, generator=torch.Generator(), epochs=1)
    assert model.w.tolist() == pytest.approx([0.2001, 0.5999], rel=1e-6)


def test_the_likelihood_shapes_the_encoder_through_the_estimators_input():
    def networks():
        second = estimator(length=2)
        for p in second.parameters():
            p.data.mul_(3)  # fresh weights hardly look at the code
        return Still(0.2, 0.6), second

    code = torch.tensor([[0.2, 0.6]], requires_grad=True)
    nll = -networks()[1].log_likelihood(code).sum()
    (gradient,) = torch.autograd.grad(nll, code)
    pull = gradient[0, 0].item()
    # sizes that float32 pixels of 0.1 can tell apart, and Adam's epsilon of 1e-8 does not blur
    assert abs(pull) > 1e-5 and gradient[0, 1] == 0  # no distribution sees the last number
    # the error's gradient by the first number, 0.1 - x, pulls the other way, twice as hard
    x = torch.tensor([0.1 + 2 * pull, 0.3]).expand(4, 1, 1, 2)
    options = {"train": x, "validation": x, "epochs": 1, "learning_rate": 0.01}
    for weight, sign in ((1.0, 1), (4.0, -1)):
        model, second = networks()
        run(networks=(model, second), weight=weight, **options)
        step = 0.01 * sign * math.copysign(1, pull)
        assert model.w[0].item() == pytest.approx(0.2 + step, abs=1e-4)  # epsilon takes its part


def test_weight_zero_leaves_the_estimator_alone_and_the_autoencoder_as_without():
    second = estimator()
    kept = [t.clone() for t in second.state_dict().values()]
    found = run(networks=(tiny(), second), weight=0)
    assert all(torch.equal(a, b) for a, b in zip(kept, second.state_dict().values(), strict=True))
    lone = run(alone=True)
    pairs = zip(found.autoencoder.parameters(), lone.autoencoder.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


# --- training


@BOTH
def test_training_trains(alone):
    first, second = tiny(), estimator()
    found = run(networks=(first, second), alone=alone, train=drawn(96, 1), epochs=15)
    start = [*tiny().parameters(), *([] if alone else estimator().parameters())]
    now = [*first.parameters(), *([] if alone else second.parameters())]
    for a, b in zip(now, start, strict=True):
        assert (a - b).abs().max() > 1e-3  # every tensor moved, by more than rounding
    for key in ("train_L", "validation_L", *([] if alone else ["train_nll", "validation_nll"])):
        assert found.history[-1][key] < found.history[0][key]
    assert found.history[-1]["train_error"] < 0.6 * found.history[0]["train_error"]


def test_the_estimator_and_validation_have_full_precision(monkeypatch):
    seen, networks = [], (tiny(), estimator())
    likelihood = networks[1].log_likelihood

    def watched(code):
        seen.append((code.dtype, torch.is_autocast_enabled("cpu"), networks[0].training))
        return likelihood(code)

    monkeypatch.setattr(networks[1], "log_likelihood", watched)
    found = run(networks=networks, precision="bfloat16", epochs=1)
    assert set(seen) == {(torch.float32, False, True), (torch.float32, False, False)}
    x = drawn(10, 2)
    with torch.no_grad():
        picture = networks[0].decode(networks[0].encode(x))
    wanted = (picture - x).square().flatten(1).sum(1).mean().item()
    # float32; validation went in batches of 8 and 2
    assert found.history[0]["validation_error"] == pytest.approx(wanted, rel=1e-6)


# --- resuming


@BOTH
@pytest.mark.parametrize("epochs_done", [3])
def test_resumed_training_ends_as_an_uninterrupted_one(killed_after, tmp_path, epochs_done, alone):
    whole = run(epochs=4, alone=alone)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        run(epochs=4, alone=alone, progress=killed_after(epochs_done), **path)
    told = []
    # other initial weights and another stream: everything must come from the file
    found = run(epochs=4, alone=alone, weights=7, batches=7, progress=told.append, **path)
    assert [entry["epoch"] for entry in told] == list(range(epochs_done + 1, 5))
    assert same(found, whole)


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *[({"epochs": v}, "epochs must be") for v in (0,)],
        *[({"batch_size": v}, "batch_size must be") for v in (0,)],
        *[({"learning_rate": v}, "learning_rate must be") for v in (0,)],
        *[({"weight": v}, "weight must be") for v in (-0.1, math.nan)],
        ({"precision": "half"}, "precision must be one of .*'half'"),
        ({"train": drawn(0, 1)}, "no training images"),
        ({"validation": drawn(0, 1)}, "no validation images"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(tmp_path, change, words):
    path, first, second = tmp_path / "fit.pt", tiny(), estimator()
    with pytest.raises(BadInput, match=words) as caught:
        run(networks=(first, second), checkpoint=path, **change)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    kept = [*tiny().state_dict().values(), *estimator().state_dict().values()]
    now = [*first.state_dict().values(), *second.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(now, kept, strict=True))
