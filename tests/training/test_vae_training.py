"""The VAE's objective, its noise and the references; and that the CAE is trained as ever."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal, kl_divergence

from lib import scores
from lib.errors import BadInput
from lib.metrics import auroc
from lib.models import CAE, build, decoder_weights
from lib.models.vae import LATENT, VAE
from lib.scores.vae import cross_entropy_error, elbo_score, latent_score
from lib.training import ReferenceGradient, fit, gradcon, gradient_cosines, mean_gradient
from lib.training.gradcon import step

KINDS = ["squared", "bce"]
PIXELS = 28 * 28


@pytest.fixture
def vae():
    def make(seed=0):
        return build(VAE, torch.Generator().manual_seed(seed))

    return make


@pytest.fixture
def train_vae(vae, bars):
    """A small training: three batches per epoch."""

    def run(*, weights=0, batches=0, epochs=2, **options):
        return fit(
            vae(weights),
            bars(24, 1),
            bars(12, 2),
            generator=torch.Generator().manual_seed(batches),
            epochs=epochs,
            **{"batch_size": 8} | options,
        )

    return run


def drawn_noise(n, seed, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    return torch.randn((n, LATENT), generator=g, dtype=dtype)


# --- one step against a literal one


def literal(model, batches, noises, optimiser, alpha, kind):
    """The objective term by term, and the constraint one layer at a time, sums divided when used.

    The VAE is put together here from its layers.
    """
    weights = [p for name, p in model.decoder.named_parameters() if name.endswith("weight")]
    sums = [torch.zeros_like(w) for w in weights]
    record = []
    for k, (x, e) in enumerate(zip(batches, noises, strict=True)):
        code = model.encoder(x).flatten(1)
        mean, log_variance = model.to_mean(code), model.to_log_variance(code)
        posterior = Normal(mean, log_variance.exp().sqrt())
        drawn = model.decoder(model.to_map(posterior.loc + posterior.scale * e).view(-1, 64, 3, 3))
        if kind == "squared":
            error = (drawn - x) ** 2
        else:
            error = -(x * drawn.log() + (1 - x) * (1 - drawn).log())
        divergence = kl_divergence(posterior, Normal(torch.zeros_like(mean), 1.0)).sum() / len(x)
        error = error.sum() / len(x)  # per image
        loss, gradient_loss = (error + divergence) / PIXELS, torch.zeros((), dtype=x.dtype)
        for w, total in zip(weights, sums, strict=True):
            options = {"create_graph": True, "retain_graph": True}
            g = torch.autograd.grad(error / PIXELS, w, **options)[0]
            if k > 0:
                gradient_loss = gradient_loss - (g * total).sum() / (g.norm() * total.norm()) / 4
        objective = loss + alpha * gradient_loss
        optimiser.zero_grad()
        objective.backward()
        sums = [total + w.grad for total, w in zip(sums, weights, strict=True)]
        optimiser.step()
        record.append((objective.item(), loss.item(), -gradient_loss.item()))
    return [total / len(batches) for total in sums], record


# Float64 carries 1e-16, and sums of some thousand terms ran in another order: 3e-16 was measured
# for parameters below 1, 8e-16 relative for the records and 5e-15 for the reference.
TIGHT = 1e-13


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.0, 0.03, 1.0])
def test_updates_equal_the_literal_ones(vae, bars, kind, alpha):
    batches = bars(12, 1).double().split(4)
    noises = [drawn_noise(4, seed, torch.float64) for seed in range(3)]
    ours, theirs = vae().double(), vae().double()
    reference = ReferenceGradient()
    optimiser = torch.optim.SGD(ours.parameters(), lr=0.5)
    record = [
        step(ours, x, reference, optimiser, alpha, reconstruction=kind, noise=e)
        for x, e in zip(batches, noises, strict=True)
    ]
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.5)
    means, other = literal(theirs, batches, noises, optimiser, alpha, kind)
    start = vae().double()
    for a, b, c in zip(ours.parameters(), theirs.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() < TIGHT
        assert (a - c).abs().max() > 1e-7  # it moved: measured 3e-6 or more
    for a, b in zip(reference.mean, means, strict=True):
        assert (a - b).norm() < TIGHT * b.norm()
    assert record[0][:2] == pytest.approx(other[0][:2], rel=TIGHT)
    assert math.isnan(record[0][2])
    assert record[1:] == [pytest.approx(entry, rel=TIGHT) for entry in other[1:]]
    if alpha == 0:
        assert all(objective == loss for objective, loss, _ in record)


def test_the_noise_matters(vae, bars):
    x, ends = bars(4, 1), []
    for noise in (None, drawn_noise(4, 0), drawn_noise(4, 1)):
        model = vae()
        optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
        ends.append(step(model, x, ReferenceGradient(), optimiser, 0.0, noise=noise)[1])
    assert len(set(ends)) == 3
    # without noise the mean is used, as the score does
    assert ends[0] == pytest.approx(
        elbo_score(vae(), x).mean().item() / PIXELS, rel=1e-5
    )  # float32


# --- whole trainings


@pytest.mark.parametrize("kind", KINDS)
def test_training_trains(vae, bars, kind):
    model, start = vae(), vae()
    found = fit(
        model,
        bars(64, 1),
        bars(16, 2),
        generator=torch.Generator().manual_seed(0),
        epochs=5,
        batch_size=8,
        reconstruction=kind,
        selection="last",
    )
    assert found.model is model
    for a, b in zip(model.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3  # more than rounding
    first, last = found.history[0], found.history[-1]
    assert last["train_L"] < 0.8 * first["train_L"]  # 0.35 to 0.67 in five seeds
    assert last["validation_L"] < 0.8 * first["validation_L"]
    assert all(math.isfinite(value) for entry in found.history for value in entry.values())
    x, labels = torch.cat([bars(20, 3), bars(20, 4, vertical=True)]), [0] * 20 + [1] * 20
    # horizontal bars were trained on, vertical ones are the anomaly: 1.000 in five seeds
    assert auroc(labels, cross_entropy_error(model, x).double().numpy()) > 0.95
    assert auroc(labels, elbo_score(model, x, reconstruction=kind).double().numpy()) > 0.95
    gradient = scores.gradient_score(model, x, found.reference.mean)
    assert auroc(labels, gradient.double().numpy()) > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_validation_is_at_the_mean_and_says_what_the_scores_say(vae, bars, kind):
    # a rate too small to move a weight: the values of the start; 7 = 4 + 3 images
    model, v = vae(), bars(7, 2)
    options = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-30, "reconstruction": kind}
    found = fit(model, bars(8, 1), v, generator=torch.Generator().manual_seed(0), **options)
    (entry,), start = found.history, vae()
    near = pytest.approx  # with 1e-5: float32 means of 784 pixels
    assert entry["validation_KL"] == near(latent_score(start, v).mean().item(), rel=1e-5)
    wanted = elbo_score(start, v, reconstruction=kind).mean().item() / PIXELS
    assert entry["validation_L"] == near(wanted, rel=1e-5)
    wanted = entry["validation_L"] - 0.03 * entry["validation_cosine"]
    assert entry["validation_J"] == near(wanted, rel=1e-12)  # float64
    gradients = [mean_gradient(start, part, reconstruction=kind).mean for part in (v[:4], v[4:])]
    cosines = [gradient_cosines(g, found.reference.mean).mean().item() for g in gradients]
    assert entry["validation_cosine"] == near((4 * cosines[0] + 3 * cosines[1]) / 7, rel=1e-4)


def test_history_of_a_vae_has_the_divergence_and_that_of_a_cae_has_not(train, train_vae):
    assert set(train_vae().history[0]) - set(train().history[0]) == {"validation_KL"}
    plain = train_vae(alpha=0.0).history[-1]
    assert plain["validation_J"] == plain["validation_L"]
    assert plain["train_J"] == plain["train_L"]


def test_batches_and_noise_come_from_the_generator(vae, bars, monkeypatch):
    seen, gradients = [], gradcon.gradients

    def spied(model, batch, *rest, noise, **options):
        seen.append((batch, noise))
        return gradients(model, batch, *rest, noise=noise, **options)

    monkeypatch.setattr(gradcon, "gradients", spied)
    x, ends = bars(10, 1), []
    for alpha in (0.0, 0.03):
        options = {"epochs": 2, "batch_size": 4, "alpha": alpha}
        g = torch.Generator().manual_seed(5)
        fit(vae(), x, x, generator=g, **options)
        ends.append(g.get_state())
    assert torch.equal(*ends)
    g = torch.Generator().manual_seed(5)
    wanted = []
    for _ in range(2):
        for batch in torch.randperm(10, generator=g).split(4):
            wanted.append((x[batch], torch.randn((len(batch), 576), generator=g)))
    # with and without the constraint the same images and the same noise
    assert len(seen) == 2 * len(wanted) == 12
    for found, other in zip(seen, wanted * 2, strict=True):
        assert all(map(torch.equal, found, other))
    assert torch.equal(g.get_state(), ends[0])


def test_same_seed_same_result_and_the_global_state_plays_no_part(train_vae, same):
    torch.manual_seed(1)
    first = train_vae()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(first, train_vae())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.0},
        {"alpha": 0.03, "selection": "last"},
        {"alpha": 0.3, "reconstruction": "bce", "reference": "decaying", "decay": 0.9},
    ],
)
def test_resumed_training_ends_as_an_uninterrupted_one(
    train_vae, same, killed_after, tmp_path, options
):
    whole = train_vae(epochs=3, **options)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        train_vae(epochs=3, progress=killed_after(2), **options, **path)
    # other initial weights and another stream: everything must come from the file
    found = train_vae(epochs=3, weights=7, batches=7, **options, **path)
    assert same(found, whole)
    assert found.reference.decay == whole.reference.decay


# --- the CAE


def former(model, train, generator, epochs, alpha):
    """The CAE's training with every gradient left to autograd, operation by operation."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    means, steps, record = [], 0, []
    for _ in range(epochs):
        for batch in torch.randperm(len(train), generator=generator).split(8):
            x, weights = train[batch], decoder_weights(model)
            objective = loss = F.mse_loss(model(x), x)
            if alpha != 0 and steps > 0:
                gradients = torch.autograd.grad(loss, weights, create_graph=True)
                objective = loss - alpha * gradient_cosines(gradients, means).mean()
            optimiser.zero_grad()
            objective.backward()
            steps += 1
            if not means:
                means = [w.grad.clone() for w in weights]
            else:
                for mean, w in zip(means, weights, strict=True):
                    mean += (w.grad - mean) / steps
            optimiser.step()
            record.append(float(objective.detach()))
    return means, record


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.03])
def test_the_cae_is_trained_as_autograd_would(bars, alpha, channels):
    def network():
        return build(lambda: CAE(channels), torch.Generator().manual_seed(0)).double()

    # colours of unequal strength, so that no two channels can change places unseen
    colours = torch.linspace(1, 0.3, channels, dtype=torch.float64)[:, None, None]
    x, held = (bars(n, seed).double() * colours for n, seed in ((24, 1), (12, 2)))
    g = torch.Generator().manual_seed(0)
    options = {"epochs": 2, "batch_size": 8, "selection": "last"}
    found = fit(network(), x, held, generator=g, alpha=alpha, **options)
    model, g = network(), torch.Generator().manual_seed(0)
    means, record = former(model, x, g, 2, alpha)
    # six steps of Adam: measured 1e-15 for parameters below 1 and relative for the reference
    for a, b in zip(found.model.parameters(), model.parameters(), strict=True):
        assert (a - b).abs().max() < TIGHT
    for a, b in zip(found.reference.mean, means, strict=True):
        assert (a - b).norm() < TIGHT * b.norm()
    wanted = [sum(record[:3]) / 3, sum(record[3:]) / 3]
    assert [entry["train_J"] for entry in found.history] == pytest.approx(wanted, rel=TIGHT)


def test_a_cae_can_be_trained_on_the_cross_entropy(network, bars):
    model, x = network().double(), bars(5, 1).double()
    found = step(
        model,
        x,
        ReferenceGradient(),
        torch.optim.SGD(model.parameters(), lr=1),
        0.03,
        reconstruction="bce",
    )
    start = network().double()
    wanted = F.binary_cross_entropy(start(x), x)
    assert found[1] == pytest.approx(wanted.item(), rel=1e-12)  # float64
    wanted.backward()
    for p, q in zip(model.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(p, q - q.grad, rtol=0, atol=1e-14)


def test_the_cross_entropy_reaches_a_network_that_draws_black_to_all_digits(network, bars):
    model = network()
    nn.init.constant_(model.decoder[-2].bias, -200.0)  # the sigmoid of -200 is 0 in float32
    x = bars(4, 1)
    squared, bce = (mean_gradient(model, x, reconstruction=kind).mean for kind in KINDS)
    assert all(g.abs().max() == 0 for g in squared)
    assert all(g.abs().max() > 0 for g in bce)


# --- references


def test_decaying_reference_by_hand():
    # weights 1, 1/2, 1/4 from the newest back, divided by their sum
    reference = ReferenceGradient(decay=0.5)
    found = []
    for value in (1.0, 2.0, 6.0):
        reference.update([torch.tensor([value], dtype=torch.float64)])
        found.append(reference.mean[0].item())
    wanted = [1, (2 + 1 / 2) / (3 / 2), (6 + 2 / 2 + 1 / 4) / (7 / 4)]
    assert found == pytest.approx(wanted, rel=1e-15)  # float64
    assert reference.steps == 3
    copy = reference.copy()
    copy.update([torch.tensor([0.0], dtype=torch.float64)])
    assert copy.mean[0].item() == pytest.approx((6 / 2 + 2 / 4 + 1 / 8) / (15 / 8), rel=1e-15)
    assert reference.mean[0].item() == found[-1]


@pytest.mark.parametrize("value", [-3.0, 7.0])
def test_decaying_reference_of_equal_gradients_is_that_gradient(value):
    reference = ReferenceGradient(decay=0.999)
    for _ in range(50):
        reference.update([torch.tensor([value])])
        assert reference.mean[0].item() == value  # from the first step on


def test_decaying_reference_near_one_is_the_mean_and_at_zero_the_last_gradient():
    gradients = torch.randn((20, 3), generator=torch.Generator().manual_seed(0)).double()
    slow, quick = ReferenceGradient(decay=1 - 1e-9), ReferenceGradient(decay=0.0)
    for g in gradients:
        slow.update([g])
        quick.update([g])
    # the weights differ by 20 times 1e-9
    torch.testing.assert_close(slow.mean[0], gradients.mean(0), rtol=0, atol=1e-6)
    torch.testing.assert_close(quick.mean[0], gradients[-1], rtol=0, atol=1e-15)


@pytest.mark.parametrize("start", [CAE, VAE])
def test_without_the_constraint_the_reference_alone_depends_on_the_decay(bars, start):
    found = {}
    for name, options in {
        "all": {},
        "decaying": {"reference": "decaying", "decay": 0.5},
        "last": {"reference": "decaying", "decay": 0.0},
    }.items():
        model, g = build(start, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0)
        options |= {"epochs": 1, "batch_size": 4, "alpha": 0.0}
        found[name] = fit(model, bars(12, 1), bars(4, 2), generator=g, **options)
    assert [f.reference.decay for f in found.values()] == [None, 0.5, 0.0]
    for f in found.values():
        pairs = zip(f.model.parameters(), found["all"].model.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    means = [f.reference.mean[0] for f in found.values()]
    assert not any(torch.equal(a, b) for a, b in zip(means, means[1:] + means[:1], strict=True))


def test_mean_gradient_of_a_vae_is_at_the_mean_and_draws_nothing(vae, bars):
    model, x = vae().double(), bars(6, 0).double()
    before = torch.get_rng_state()
    for kind in KINDS:
        found = mean_gradient(model, x, batch_size=3, reconstruction=kind)
        loss = {"squared": F.mse_loss, "bce": F.binary_cross_entropy}[kind](model(x), x)
        wanted = torch.autograd.grad(loss, decoder_weights(model))
        for a, b in zip(found.mean, wanted, strict=True):
            assert (a - b).norm() < 1e-12 * b.norm()  # float64 sums in another order
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in model.parameters())


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reconstruction": "mse"}, "reconstruction must be one of .*bce.*'mse'"),
        ({"reference": "mean"}, "reference must be one of .*decaying.*'mean'"),
        *[({"decay": v}, "decay must be") for v in (-0.1, 1, 1.5, math.nan, True, "slow")],
    ],
)
def test_nonsense_is_refused_before_anything_happens(train_vae, tmp_path, change, words):
    path = tmp_path / "fit.pt"
    with pytest.raises(BadInput, match=words) as caught:
        train_vae(checkpoint=path, **change)
    assert "\n" not in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_the_cross_entropy_refuses_images_outside_its_range(vae, bars, value):
    fine, bad = bars(4, 1), bars(4, 2)
    bad[2, 0, 5, 5] = value
    g = torch.Generator().manual_seed(0)
    for word, train, validation in (("train", bad, fine), ("validation", fine, bad)):
        with pytest.raises(BadInput, match=rf"{word} images must lie in \[0, 1\]"):
            fit(vae(), train, validation, generator=g, epochs=1, reconstruction="bce")
    with pytest.raises(BadInput, match=r"training images must lie in \[0, 1\]"):
        mean_gradient(vae(), bad, reconstruction="bce")
    with pytest.raises(BadInput, match="reconstruction must be one of"):
        mean_gradient(vae(), fine, reconstruction="mse")


def test_noise_of_another_batch_is_refused(vae, bars):
    model = vae()
    optimiser = torch.optim.SGD(model.parameters(), lr=1)
    with pytest.raises(BadInput, match=r"\[4, 576\]"):
        step(model, bars(4, 1), ReferenceGradient(), optimiser, 0.0, noise=drawn_noise(3, 0))
