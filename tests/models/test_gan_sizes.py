"""The networks behind two rows of the size table: every count, and shapes from end to end."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build, count_parameters
from lib.models.dcgan import DCGANDiscriminator, DCGANGenerator
from lib.models.gpnd import (
    GPNDEncoder,
    GPNDGenerator,
    GPNDImageDiscriminator,
    GPNDLatentDiscriminator,
)

ANOGAN = {DCGANGenerator: 3_574_656, DCGANDiscriminator: 2_763_520}
GPND = {
    GPNDGenerator: 1_749_633,
    GPNDImageDiscriminator: 2_370_881,
    GPNDEncoder: 2_624_864,
    GPNDLatentDiscriminator: 20_865,
}
# what goes in, what comes out of one image, and the layer sizes on the way
SHAPES = {
    DCGANGenerator: ((100,), (1, 64, 64), [1, 4, 8, 16, 32, 64]),
    DCGANDiscriminator: ((1, 64, 64), (), [32, 16, 8, 4, 1]),
    GPNDGenerator: ((32,), (1, 32, 32), [1, 4, 8, 16, 32]),
    GPNDImageDiscriminator: ((1, 32, 32), (), [16, 8, 4, 1]),
    GPNDEncoder: ((1, 32, 32), (32,), [16, 8, 4, 1]),
    GPNDLatentDiscriminator: ((32,), (), []),
}
CHANCES = [DCGANDiscriminator, GPNDImageDiscriminator, GPNDLatentDiscriminator]


@pytest.fixture(scope="module")
def networks():
    """Each network once, in evaluation mode; no test may change them."""
    g = torch.Generator().manual_seed(0)
    return {make: build(make, g).eval() for make in SHAPES}


def drawn(n, shape, seed=1):
    return torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("parts", "total"), [(ANOGAN, 6_338_176), (GPND, 6_766_243)])
def test_the_published_counts(networks, parts, total):
    found = {make: count_parameters(networks[make]) for make in parts}
    assert found == parts
    assert sum(found.values()) == total


def test_dcgan_counts_by_hand():
    k = 4 * 4
    generator = k * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64)
    discriminator = k * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert generator + 2 * (512 + 256 + 128 + 64) == ANOGAN[DCGANGenerator]  # with batch norms
    assert discriminator + 2 * (128 + 256 + 512) == ANOGAN[DCGANDiscriminator]


def test_gpnd_counts_by_hand():
    k = 4 * 4
    trunk = k * (64 + 64 * 256 + 256 * 512) + (64 + 256 + 512) + 2 * (256 + 512)
    assert trunk + k * 512 * 32 + 32 == GPND[GPNDEncoder]
    assert trunk + k * 512 + 1 == GPND[GPNDImageDiscriminator]
    generator = k * (32 * 256 + 256 * 256 + 256 * 128 + 128) + (256 + 256 + 128 + 1)
    unused = k * 10 * 256 + 256 + 2 * 256
    assert unused == 41_728
    assert generator + 2 * (256 + 256 + 128) + unused == GPND[GPNDGenerator]
    assert GPND[GPNDLatentDiscriminator] == 32 * 128 + 128 + 128 * 128 + 128 + 128 + 1


def test_the_unused_layer_gets_no_gradient(networks):
    model = networks[GPNDGenerator]
    assert count_parameters(model.unused) == 41_728
    z = drawn(1, (32,))
    named = dict(model.named_parameters())
    found = torch.autograd.grad(model(z).sum(), list(named.values()), allow_unused=True)
    missing = {name for name, g in zip(named, found, strict=True) if g is None}
    assert missing == {name for name in named if name.startswith("unused.")}


@pytest.mark.parametrize("make", SHAPES)
def test_shapes_from_end_to_end(networks, make):
    given, wanted, sizes = SHAPES[make]
    model, found = networks[make], []

    def note(layer, inputs, output):
        found.append(output.shape[-1])

    kinds = nn.Conv2d | nn.ConvTranspose2d | nn.Unflatten
    hooks = [m.register_forward_hook(note) for m in model.layers if isinstance(m, kinds)]
    with torch.no_grad():
        for n in (1, 3):  # one image keeps its dimension
            found.clear()
            assert model(drawn(n, given)).shape == (n, *wanted)
            assert found == sizes
    for hook in hooks:
        hook.remove()


@torch.no_grad()
@pytest.mark.parametrize(
    ("make", "low", "high"),
    [(DCGANGenerator, -1, 1), (GPNDGenerator, 0, 1), *[(make, 0, 1) for make in CHANCES]],
)
def test_ranges(networks, make, low, high):
    model = networks[make]
    x = drawn(4, SHAPES[make][0])
    found = model(x)
    assert low < found.min() < found.max() < high
    # the ends are reached: the last layer's answer times ±1000, in place, then undone
    last = [m for m in model.layers if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    weight = last[-1].weight
    kept = weight.clone()
    for factor in (1e3, -1e3):
        weight.mul_(factor)
        stretched = model(x)
        weight.copy_(kept)
        assert stretched.min() >= low and stretched.max() <= high
        assert (stretched - found).abs().max() > 0.1
    assert torch.equal(model(x), found)


def test_slopes_and_norms_are_those_of_the_layer_lists(networks):
    for make, model in networks.items():
        slopes = {m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)}
        assert slopes == (set() if "Generator" in make.__name__ else {0.2})
        biased = {m.bias is not None for m in model.modules() if hasattr(m, "kernel_size")}
        assert biased <= ({False} if make in ANOGAN else {True})
    for make in (DCGANDiscriminator, GPNDEncoder, GPNDImageDiscriminator):
        assert isinstance(networks[make].layers[1], nn.LeakyReLU)  # no norm after the first


@pytest.mark.parametrize("make", SHAPES)
def test_another_shape_is_refused(networks, make):
    given = SHAPES[make][0]
    for shape in [given, (2, *given[:-1], given[-1] + 1), (2, 3, *given)]:
        with pytest.raises(BadInput, match="it was given") as caught:
            networks[make](torch.zeros(shape))
        assert str(list(shape)) in str(caught.value)
