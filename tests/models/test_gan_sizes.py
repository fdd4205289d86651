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


def test_another_shape_is_refused(networks):
    for make, (given, *_) in SHAPES.items():
        with pytest.raises(BadInput, match="it was given"):
            networks[make](torch.zeros(2, *given[:-1], given[-1] + 1))
