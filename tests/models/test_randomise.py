"""Cascading randomisation: which part is replaced when, by what, and what stays."""

import copy

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import CAE, LSAAutoencoder, build, cascade, randomised

LSA_PARTS = [
    ("decoder.9",),  # 1×1 convolution
    ("decoder.8",),  # up block
    ("decoder.7",),
    ("decoder.3", "decoder.4"),  # dense and its batch norm
    ("decoder.0", "decoder.1"),
    ("encoder.6",),
    ("encoder.3", "encoder.4"),
    ("encoder.1",),  # down block
    ("encoder.0",),
]


def images(n, seed=0):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def pair():
    """A network whose running averages have moved, and a fresh one from another seed."""
    model, fresh = (build(LSAAutoencoder, torch.Generator().manual_seed(s)) for s in (0, 1))
    with torch.no_grad():
        model(images(8))
    return model.eval(), fresh


def snapshot(network):
    """Copies of all weights and buffers, and the modes."""
    state = {name: value.clone() for name, value in network.state_dict().items()}
    return state, [m.training for m in network.modules()]


def unchanged(before, network):
    state, modes = snapshot(network)
    return modes == before[1] and all(torch.equal(state[k], v) for k, v in before[0].items())


def test_parts_of_the_lsa_network_from_the_output_to_the_input():
    assert cascade(LSAAutoencoder()) == LSA_PARTS


def test_a_batch_norm_joins_only_the_part_directly_before_it():
    model = nn.Sequential(
        nn.BatchNorm1d(2),
        nn.Linear(2, 2),
        nn.ReLU(),
        nn.BatchNorm1d(2),
        nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),
        nn.BatchNorm1d(2),
    )
    assert cascade(model) == [("5",), ("4.0", "4.1"), ("3",), ("1",), ("0",)]


def test_a_model_with_weights_outside_its_parts_is_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    model.scale = nn.Parameter(torch.ones(1))
    with pytest.raises(BadInput, match="Sequential has weights of its own"):
        cascade(model)


@pytest.mark.parametrize("done", [0, 3, 9])
def test_replaced_parts_are_the_fresh_ones_and_others_the_models_own(pair, done):
    model, fresh = pair
    model.train(done % 2 == 1)
    before = snapshot(model), snapshot(fresh)
    found = randomised(model, fresh, LSA_PARTS[:done])
    assert unchanged(before[0], model) and unchanged(before[1], fresh)
    replaced = tuple(f"{name}." for part in LSA_PARTS[:done] for name in part)
    ours, theirs = model.state_dict(), fresh.state_dict()
    for key, value in found.state_dict().items():
        source = theirs if replaced and key.startswith(replaced) else ours
        assert torch.equal(value, source[key])
    assert not any(m.training for m in found.modules())
    assert type(found) is LSAAutoencoder


def test_an_image_goes_through_the_replaced_parts(pair):
    model, fresh = pair
    x = images(3, seed=2)
    found = randomised(model, fresh, LSA_PARTS[:2])(x)
    fresh.eval()
    wanted = fresh.decoder[8:](model.decoder[:8](model.encode(x)))
    assert torch.equal(found, wanted)
    assert not torch.equal(found, model(x))
    assert torch.equal(randomised(model, fresh, [])(x), model(x))
    assert torch.equal(randomised(model, fresh, LSA_PARTS)(x), fresh(x))


def test_a_part_name_is_not_taken_for_the_beginning_of_another():
    model = nn.Sequential(*[nn.Linear(1, 1) for _ in range(11)])
    fresh = copy.deepcopy(model)
    with torch.no_grad():
        for p in fresh.parameters():
            p.add_(1)
    found = randomised(model, fresh, [("1",)])
    moved = [not torch.equal(a.weight, b.weight) for a, b in zip(found, model, strict=True)]
    assert [i for i, flag in enumerate(moved) if flag] == [1]  # not 10


def test_a_part_that_does_not_exist_or_has_no_weights_is_refused(pair):
    for name in ["decoder.10", "decoder.2", ""]:
        with pytest.raises(BadInput, match=f"LSAAutoencoder has no part '{name}' with weights"):
            randomised(*pair, [("decoder.9",), (name,)])


def test_a_fresh_network_with_other_weights_is_refused():
    for fresh in [CAE(3), LSAAutoencoder()]:
        with pytest.raises(BadInput, match="in name and shape"):
            randomised(CAE(), fresh, [])
