"""GradCon's scores: their parts, their range and what must not move them."""

import pytest
import torch
import torch.nn.functional as F

from lib.errors import BadInput
from lib.models import build, decoder_weights
from lib.models.vae import VAE
from lib.scores import gradients, reconstruction_error
from lib.scores.gradcon import gradcon_score, gradcon_scores, gradient_cosines, gradient_score
from lib.scores.gradients import decoder_gradients

# A few float32 roundings (6e-8) of numbers near one. A batch of another size may run through
# another kernel: measured 1e-8 here, elsewhere sums of some hundred products in another order.
ROUNDING = 1e-6
KERNELS = 5e-6


def close(a, b, tolerance=ROUNDING):
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def test_cosines_by_their_definition(network, bars):
    model, reference = network(3)
    x = bars(4, 0, channels=3)
    found = gradient_cosines(model, x, reference)
    assert found.shape == (4, 4)
    for layer, (g, r) in enumerate(zip(decoder_gradients(model, x), reference, strict=True)):
        for image in range(4):
            dot = (g[image] * r).sum()
            close(found[image, layer], dot / (g[image].norm() * r.norm()))


def test_all_at_once_equals_one_by_one(trained, bars):
    model, reference, _ = trained
    x = torch.cat([bars(5, 0), bars(5, 1).transpose(2, 3)])
    found = gradcon_scores(model, x, reference, beta=0.5, batch_size=4)
    wanted = {
        "recon": reconstruction_error(model, x),
        "grad": gradient_score(model, x, reference),
        "recon+beta*grad": gradcon_score(model, x, reference, beta=0.5),
    }
    wanted |= {f"layer={i + 1}": gradient_score(model, x, reference, layer=i) for i in range(4)}
    assert found.keys() == wanted.keys()
    for name, values in found.items():
        assert values.shape == (10,)
        assert values.device.type == "cpu"
        close(values, wanted[name], KERNELS)
        assert values.std() > 100 * KERNELS or name == "recon"  # not constant
    assert found["recon"].std() > 1e-3


def literal(model, x, reference, beta, reconstruction):
    """One image at a time, and one call for each layer's gradient."""
    loss_of = {"squared": F.mse_loss, "bce": F.binary_cross_entropy}[reconstruction]
    rows = []
    for image in x.split(1):
        loss, cosines = loss_of(model(image), image), []
        for w, r in zip(decoder_weights(model), reference, strict=True):
            (g,) = torch.autograd.grad(loss, w, retain_graph=True)
            cosines.append(F.cosine_similarity(g.flatten(), r.flatten(), dim=0))
        grad = -sum(cosines) / 4
        rows.append(torch.stack([loss.detach(), grad, loss.detach() + beta * grad]))
    return torch.stack(rows, 1)


# Loss and cosine are near one, their parts sums of up to 65,536 products: measured 1e-7 in float32
# and 3e-16 in float64. A ReLU's input that rounds to the other side of 0 would move more.
@pytest.mark.parametrize("reconstruction", ["squared", "bce"])
@pytest.mark.parametrize(
    ("kind", "dtype", "tolerance"),
    [
        ("CAE", torch.float64, 1e-12),
        ("VAE", torch.float64, 1e-12),
        ("trained", torch.float32, 1e-5),
    ],
)
def test_equal_a_literal_loop(trained, network, bars, kind, dtype, tolerance, reconstruction):
    model, reference = trained[:2] if kind == "trained" else network()
    if kind == "VAE":
        model = build(VAE, torch.Generator().manual_seed(1))
    x = torch.cat([bars(5, 0), bars(5, 1).transpose(2, 3)]).to(dtype)
    twin = build(type(model), torch.Generator()).to(dtype)
    twin.load_state_dict(model.state_dict())
    options = {"beta": 0.5, "reconstruction": reconstruction}
    reference = [r.to(dtype) for r in reference]
    recon, grad, both = literal(twin, x, reference, **options)
    found = gradcon_scores(twin, x, reference, **options)
    close(found["recon"], recon, tolerance)
    close(found["grad"], grad, tolerance)
    close(found["recon+beta*grad"], both, tolerance)
    close(gradcon_score(twin, x, reference, **options), both, tolerance)
    close(gradient_score(twin, x, reference, reconstruction=reconstruction), grad, tolerance)
    cosines = gradient_cosines(twin, x, reference, reconstruction=reconstruction)
    close(-cosines.mean(1), grad, tolerance)


@pytest.mark.parametrize("few", [0, 1000])
def test_both_ways_to_a_layers_cosine_agree(trained, bars, monkeypatch, few):
    # no gradient is formed, or all of them are
    model, reference, _ = trained
    x = torch.cat([bars(5, 0), bars(5, 1).transpose(2, 3)])
    wanted = gradient_cosines(model, x, reference)
    monkeypatch.setattr(gradients, "FEW_POSITIONS", few)
    close(gradient_cosines(model, x, reference), wanted, KERNELS)


def test_the_length_of_the_reference_does_not_matter(network, bars):
    # of each layer: a mean of cosines, not the cosine of everything together
    model, reference = network()
    x = bars(5, 0)
    scaled = [10.0**i * r for i, r in enumerate(reference)]
    close(gradient_cosines(model, x, scaled), gradient_cosines(model, x, reference))


def test_an_image_that_is_the_reference_has_the_lowest_score(network, bars):
    model, _ = network()
    x = bars(6, 0)
    own = [g[2] for g in decoder_gradients(model, x)]
    found = gradient_score(model, x, own)
    assert found.argmin() == 2
    close(found[2], torch.tensor(-1.0))
    opposite = gradient_score(model, x, [-g for g in own])
    close(opposite[2], torch.tensor(1.0))
    # in [-1, 1] to the last bit
    for part in (found, opposite, *gradient_cosines(model, x, own)):
        assert part.min() >= -1
        assert part.max() <= 1


def test_a_reference_of_other_shapes_is_refused(network, bars):
    for spoil in [
        lambda r: r[:3],
        lambda r: [*r[:3], r[3].repeat(1, 3, 1, 1)],  # that of a colour network
    ]:
        for score in [gradient_cosines, gradient_score, gradcon_score, gradcon_scores]:
            model, reference = network()
            with pytest.raises(
                BadInput, match=r"must have the shapes \[\[64, 64, 4, 4\]"
            ) as caught:
                score(model, bars(2, 0), spoil(reference))
            assert "\n" not in str(caught.value)


def test_bad_images_and_losses_are_refused(network, bars):
    for score in [gradient_cosines, gradient_score, gradcon_score, gradcon_scores]:
        for spoil, reconstruction, message in [
            (lambda x: x[:0], "squared", "no image"),
            (lambda x: x, "absolute", "reconstruction must be one of"),
            (lambda x: x + 0.5, "bce", r"must lie in \[0, 1\]"),
        ]:
            with pytest.raises(BadInput, match=message):
                score(network()[0], spoil(bars(2, 0)), network()[1], reconstruction=reconstruction)
