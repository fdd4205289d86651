"""Heads on z: cosines by hand, the decoder's shapes, and what weight decay reaches."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import (
    GeneralizedOdinHead,
    ReconstructionDecoder,
    ResNet34,
    build,
    count_parameters,
    parameter_groups,
    rotation_head,
)

FLOAT32 = 1e-5  # a few roundings of 6e-8 on sums of some tens of terms


def made(make, seed=0):
    return build(make, torch.Generator().manual_seed(seed))


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_cosines_by_hand():
    head = made(lambda: GeneralizedOdinHead(2, 3)).eval()
    with torch.no_grad():
        head.directions.copy_(torch.tensor([[3.0, 4.0], [-5.0, 0.0], [0.0, 0.5]]))
    found = head.cosines(torch.tensor([[6.0, 8.0]]))
    # 1e-4 is added to both norms: 10 and 5, 5, 0.5
    wanted = [
        (18 + 32) / (10.0001 * 5.0001),
        -30 / (10.0001 * 5.0001),
        4 / (10.0001 * 0.5001),
    ]
    assert found.tolist() == [pytest.approx(wanted, rel=FLOAT32)]


def test_logits_are_cosines_over_a_divisor_between_0_and_1():
    head, z = made(lambda: GeneralizedOdinHead(16, 5)), drawn(40, 16)
    head(z)  # one batch moves the running averages
    head.eval()
    linear, norm = head.gate[0], head.gate[1]
    scaled = (linear(z) - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    torch.testing.assert_close(head.divisor(z), torch.sigmoid(scaled), rtol=FLOAT32, atol=0)
    assert head.divisor(z).shape == (40, 1)
    assert ((head.divisor(z) > 0) & (head.divisor(z) < 1)).all()
    assert torch.equal(head(z), head.cosines(z) / head.divisor(z))


def test_the_decoder_draws_pictures_from_any_z():
    k, channels, width = 32, 1, 16
    decoder = made(lambda: ReconstructionDecoder(k, channels=channels, width=width))
    assert decoder(drawn(2, k)).shape == (2, channels, 32, 32)
    w = width
    dense = k * 16 * w + 16 * w
    pairs = [(w, w // 2), (w // 2, w // 4), (w // 4, w // 8)]
    doublings = sum(16 * a * b + 2 * b for a, b in pairs)
    last = 9 * (w // 8) * channels + channels
    assert count_parameters(decoder) == dense + doublings + last


def test_weight_decay_spares_the_directions_alone():
    model = made(lambda: ResNet34(5, width=1, head=GeneralizedOdinHead))
    decoder = made(lambda: ReconstructionDecoder(8, width=8))
    both = nn.ModuleList([model, decoder])
    decayed, spared = parameter_groups(both, weight_decay=0.1)
    assert [id(p) for p in spared["params"]] == [id(model.head.directions)]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    together = {id(p) for group in (decayed, spared) for p in group["params"]}
    assert together == {id(p) for p in both.parameters()}
    assert len(decayed["params"]) + 1 == len(list(both.parameters()))


def test_nonsense_is_refused_in_words():
    for make, words in [
        (lambda: GeneralizedOdinHead(0, 3), "k must be a whole number"),
        (lambda: GeneralizedOdinHead(4, 0), "classes must be a whole number"),
        (lambda: ReconstructionDecoder(4, channels=0), "channels must be a whole number"),
        (lambda: ReconstructionDecoder(4, width=12), "divisible by 8, but 12 came"),
        (lambda: rotation_head(-1), "k must be a whole number"),
    ]:
        with pytest.raises(BadInput, match=words):
            make()
