"""The small networks: sizes, layers by hand, and refusals."""

import pytest
import torch

from lib.errors import BadInput
from lib.models import build, count_parameters
from lib.models.toy import ToyAutoencoder, ToyDenoisingClassifier


def drawn(make=ToyAutoencoder, seed=0):
    return build(make, torch.Generator().manual_seed(seed))


def test_parameters_by_hand():
    hidden = 7
    middle = hidden * hidden + hidden
    found = count_parameters(ToyAutoencoder(hidden))
    assert found == (2 * hidden + hidden) + middle + (2 * hidden + 2)
    found = count_parameters(ToyDenoisingClassifier(5, hidden))
    assert found == 3 * hidden + middle + (5 * hidden + 5) + middle + (2 * hidden + 2)


@pytest.mark.parametrize(("name", "function"), [("relu", torch.relu), ("tanh", torch.tanh)])
def test_layers_by_hand(name, function):
    model = drawn(lambda: ToyAutoencoder(4, activation=name))
    x = torch.tensor([[0.5, -1.0], [2.0, 3.0], [0.0, 0.0]])
    w = list(model.parameters())
    y = function(function(x @ w[0].T + w[1]) @ w[2].T + w[3]) @ w[4].T + w[5]
    torch.testing.assert_close(model(x), y)  # its default: float32 rounding


def test_both_heads_stand_on_the_top_layer():
    model, x = drawn(ToyDenoisingClassifier), torch.tensor([[0.5, -1.0], [2.0, 3.0]])
    z = torch.relu(model.trunk[2](torch.relu(model.trunk[0](x))))
    logits, r = model.both(x)
    assert torch.equal(logits, z @ model.head.weight.T + model.head.bias)
    torch.testing.assert_close(r, model.decoder[2](torch.relu(model.decoder[0](z))))
    assert torch.equal(model(x), logits) and torch.equal(model.reconstruct(x), r)


def test_points_of_another_shape_are_refused():
    for make in [ToyAutoencoder, ToyDenoisingClassifier]:
        for shape in [(2,), (3, 3), (2, 3, 2), (1, 1, 2, 2)]:
            with pytest.raises(BadInput, match=r"takes points \[n, 2\]; it was given \["):
                make()(torch.zeros(shape))


@pytest.mark.parametrize("value", [0, 2.5])
def test_sizes_must_be_whole(value):
    for make in (ToyAutoencoder, ToyDenoisingClassifier):
        with pytest.raises(BadInput, match=f"hidden must be a whole number.*it was {value}"):
            make(hidden=value)
    with pytest.raises(BadInput, match=f"classes must be a whole number.*it was {value}"):
        ToyDenoisingClassifier(value)
