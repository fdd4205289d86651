"""Heads on z: cosines by hand, the decoder's shapes, and what weight decay reaches."""

import math

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


def test_cosines_ignore_the_length_of_z_and_stay_within_one():
    head, z = made(lambda: GeneralizedOdinHead(16, 5)).eval(), drawn(40, 16)
    # 1e-4 against lengths of about 4
    torch.testing.assert_close(head.cosines(7 * z), head.cosines(z), rtol=0, atol=1e-4)
    assert head.cosines(z).abs().max() < 1
    assert head.cosines(torch.zeros(1, 16)).tolist() == [[0.0] * 5]


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


def test_directions_start_he_normal():
    head = made(lambda: GeneralizedOdinHead(512, 100))
    # deviation sqrt(2 / 512) = 0.0625; of 51,200 draws it is known to 1 / sqrt(102,400) = 0.3 %
    assert head.directions.std().item() == pytest.approx(math.sqrt(2 / 512), rel=0.015)
    # 0.0625 / sqrt(51,200) = 0.0003
    assert head.directions.mean().item() == pytest.approx(0, abs=0.0015)


@pytest.mark.parametrize(("k", "channels", "width"), [(512, 3, 256), (32, 1, 16)])
def test_the_decoder_draws_pictures_from_any_z(k, channels, width):
    decoder = made(lambda: ReconstructionDecoder(k, channels=channels, width=width))
    assert decoder(drawn(2, k)).shape == (2, channels, 32, 32)
    w = width
    dense = k * 16 * w + 16 * w
    pairs = [(w, w // 2), (w // 2, w // 4), (w // 4, w // 8)]
    doublings = sum(16 * a * b + 2 * b for a, b in pairs)
    last = 9 * (w // 8) * channels + channels
    assert count_parameters(decoder) == dense + doublings + last


def test_the_decoder_holds_its_pictures_to_no_range():
    decoder = made(lambda: ReconstructionDecoder(8, width=8))
    with torch.no_grad():
        decoder.layers[-1].bias.fill_(3.0)
        assert decoder(drawn(4, 8)).mean() > 2
        decoder.layers[-1].bias.fill_(-3.0)
        assert decoder(drawn(4, 8)).mean() < -2


def test_the_rotation_head_names_four_turns():
    head = made(lambda: rotation_head(16))
    assert head(drawn(3, 16)).shape == (3, 4)


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


def test_frozen_and_linear_networks_have_one_group():
    model = made(lambda: ResNet34(5, width=1))
    model.trunk.requires_grad_(False)
    (group,) = parameter_groups(model, weight_decay=0.1)
    assert [id(p) for p in group["params"]] == [id(p) for p in model.head.parameters()]


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
