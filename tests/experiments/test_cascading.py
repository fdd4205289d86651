"""Maps of a network that loses its weights part by part."""

import numpy as np
import pytest
import torch

from lib.errors import BadInput
from lib.experiments import cascading_maps
from lib.models import CAE, LSAAutoencoder, build, cascade, randomised
from lib.scores import saliency_map, scaled


def network(seed, make=LSAAutoencoder):
    return build(make, torch.Generator().manual_seed(seed)).eval()


def images(n):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(3))


def test_maps_of_the_network_itself_and_of_every_stage():
    model, fresh, x = network(0), network(1), images(2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = cascading_maps(saliency_map, model, fresh, x)
    parts = cascade(model)
    assert len(found) == len(parts) + 1
    for stage in (0, 1, len(parts)):
        wanted = scaled(saliency_map(randomised(model, fresh, parts[:stage]), x)).numpy()
        assert np.array_equal(found[stage], wanted)
    # without any weight of its own left, it is the other network
    assert np.array_equal(found[-1], scaled(saliency_map(fresh, x)).numpy())
    assert all(each.max((1, 2)).tolist() == [1, 1] for each in found)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_another_kind_of_network_is_refused():
    with pytest.raises(BadInput, match="must have the weights of the"):
        cascading_maps(saliency_map, network(0), network(0, CAE), images(1))
