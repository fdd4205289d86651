"""GradCon's scores: their parts, their range and what must not move them."""

import pytest
import torch

from lib.errors import BadInput
from lib.scores import (
    decoder_gradients,
    gradcon_score,
    gradcon_scores,
    gradient_cosines,
    gradient_score,
    reconstruction_error,
)

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


def test_gradient_score_is_minus_the_mean_cosine(network, bars):
    model, reference = network()
    x = bars(5, 0)
    cosines = gradient_cosines(model, x, reference)
    close(gradient_score(model, x, reference), -cosines.sum(1) / 4)
    for layer in range(4):
        close(gradient_score(model, x, reference, layer=layer), -cosines[:, layer])


def test_gradcon_score_is_the_error_plus_beta_times_the_gradient_score(network, bars):
    model, reference = network()
    x = bars(5, 0)
    recon, grad = reconstruction_error(model, x), gradient_score(model, x, reference)
    close(gradcon_score(model, x, reference), recon + 0.12 * grad)
    close(gradcon_score(model, x, reference, beta=2.0), recon + 2 * grad)
    close(gradcon_score(model, x, reference, beta=0.0), recon)


@pytest.mark.parametrize("batch_size", [1, 4, 256])
def test_all_at_once_equals_one_by_one(trained, bars, batch_size):
    model, reference, _ = trained
    x = torch.cat([bars(5, 0), bars(5, 1).transpose(2, 3)])
    found = gradcon_scores(model, x, reference, beta=0.5, batch_size=batch_size)
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


def test_order_and_neighbours_do_not_matter(trained, bars):
    model, reference, _ = trained
    x = torch.cat([bars(6, 0), bars(6, 1).transpose(2, 3)])
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    there, shuffled = (gradcon_scores(model, part, reference) for part in (x, x[order]))
    alone = [gradcon_scores(model, x[i : i + 1], reference) for i in range(12)]
    for name, values in there.items():
        close(shuffled[name], values[order], KERNELS)
        close(torch.cat([one[name] for one in alone]), values, KERNELS)


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e3])
def test_the_length_of_the_reference_does_not_matter(network, bars, scale):
    model, reference = network()
    x = bars(5, 0)
    scaled = [scale * r for r in reference]
    close(gradient_cosines(model, x, scaled), gradient_cosines(model, x, reference))


def test_lengths_within_a_layer_do_not_weigh_it(network, bars):
    # a mean of cosines, not the cosine of everything together
    model, reference = network()
    x = bars(5, 0)
    uneven = [10.0**i * r for i, r in enumerate(reference)]
    close(gradient_score(model, x, uneven), gradient_score(model, x, reference))


@pytest.mark.parametrize("seed", range(3))
def test_an_image_that_is_the_reference_has_the_lowest_score(network, bars, seed):
    model, _ = network(seed=seed)
    x = bars(6, seed)
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


def test_a_reference_of_zeros_says_nothing(network, bars):
    model, reference = network()
    found = gradient_score(model, bars(3, 0), [torch.zeros_like(r) for r in reference])
    assert found.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: [],
        lambda r: r[:3],
        lambda r: [*r, r[0]],
        lambda r: r[::-1],
        lambda r: [*r[:3], r[3].flatten()],
        lambda r: [*r[:3], r[3].repeat(1, 3, 1, 1)],  # that of a colour network
    ],
)
@pytest.mark.parametrize("score", [gradient_cosines, gradient_score, gradcon_score, gradcon_scores])
def test_a_reference_of_other_shapes_is_refused(network, bars, spoil, score):
    model, reference = network()
    with pytest.raises(BadInput, match=r"must have the shapes \[\[64, 64, 4, 4\]") as caught:
        score(model, bars(2, 0), spoil(reference))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("score", [gradient_score, gradcon_score, gradcon_scores])
def test_images_of_another_size_are_refused(network, score):
    with pytest.raises(BadInput, match="28, 28"):
        score(network()[0], torch.rand(2, 1, 32, 32), network()[1])
