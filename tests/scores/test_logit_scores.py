"""Scores from logits: formulas in float64, digits that rounding must not take, and ensembles."""

import math

import pytest
import torch

from lib.errors import BadInput
from lib.scores import (
    LOGIT_TABLE,
    energy,
    ensemble_max_logit,
    entropy,
    max_logit,
    max_probability,
)

FLOAT32 = 1e-5  # relative: a dozen roundings of 6e-8, and exponentials of up to 30 on the way


def near(values, rel=FLOAT32):
    return pytest.approx(values, rel=rel, abs=0)


def drawn(n=50, classes=7, scale=4.0, seed=0):
    return scale * torch.randn((n, classes), generator=torch.Generator().manual_seed(seed))


def slow(row):
    """The four formulas for one image, term by term, in Python's float64."""
    top = max(row)
    weights = [math.exp(v - top) for v in row]
    shares = [w / sum(weights) for w in weights]
    return {
        "max probability": math.fsum(sorted(shares)[:-1]),
        "entropy": -math.fsum(p * math.log(p) for p in shares if p),
        "max logit": -top,
        "energy": -(top + math.log(sum(weights))),
    }


@pytest.mark.parametrize("name", LOGIT_TABLE)
def test_each_score_equals_its_formula(name):
    logits = drawn()
    wanted = [slow(row)[name] for row in logits.double().tolist()]
    found = LOGIT_TABLE[name](logits=logits)
    assert found.tolist() == near(wanted)
    exact = LOGIT_TABLE[name](logits=logits.double())
    assert exact.tolist() == near(wanted, rel=1e-12)  # float64


def test_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)], [2.0, 2.0]])  # probabilities 1/4 and 3/4; halves
    assert max_probability(logits).tolist() == near([1 / 4, 1 / 2])
    both = math.log(4) / 4 + 3 * math.log(4 / 3) / 4
    assert entropy(logits).tolist() == near([both, math.log(2)])
    assert max_logit(logits).tolist() == near([-math.log(3), -2])
    assert energy(logits).tolist() == near([-math.log(4), -2 - math.log(2)])
    # T = 2: minus 2 · log(1 + sqrt 3)
    assert energy(logits, temperature=2.0).tolist()[0] == near(-2 * math.log(1 + math.sqrt(3)))


def test_sure_images_keep_their_order():
    # 1 - 0.99999999 in float32 would be 0 for all of these: ties wherever a network is sure
    gaps = torch.arange(20.0, 80.0)
    logits = torch.stack([gaps, torch.zeros(60), torch.zeros(60)], dim=1)
    for score in (max_probability, entropy):
        for sure in (logits, 10 * logits, 1e4 * logits):  # also beyond what exp can hold
            found = score(sure)
            assert (found[1:] < found[:-1]).all()
            assert (found > 0).all()
    # each of the two others has exp(-gap); the entropy's leading part is 2 · gap · exp(-gap)
    wanted = (2 * torch.exp(-gaps.double())).tolist()
    assert max_probability(logits).tolist() == near(wanted)
    wanted = (2 * (gaps.double() + 1) * torch.exp(-gaps.double())).tolist()
    assert entropy(logits).tolist() == near(wanted)


def test_two_sure_images_of_two_classes_do_not_tie():
    logits = torch.tensor([[0.0, 200.0], [0.0, 300.0], [0.0, 2000.0], [0.0, 3000.0]])
    for score in (max_probability, entropy):
        for found in (score(logits), score(logits.double()), score(logits.flip(1))):
            assert (found.diff() < 0).all() and (found > 0).all()
    # 1 - p = 1 / (1 + exp(200)), and the entropy is that times 200 + 1
    assert max_probability(logits)[0].item() == pytest.approx(math.exp(-200), rel=1e-12)
    assert entropy(logits)[0].item() == pytest.approx(201 * math.exp(-200), rel=1e-12)


@pytest.mark.parametrize("name", LOGIT_TABLE)
def test_large_logits_do_no_harm(name):
    logits = torch.tensor([[3e4, 0.0, -3e4], [3e4, 3e4, 3e4], [-3e4, -3e4, -2e4]])
    found = LOGIT_TABLE[name](logits=logits)
    assert found.isfinite().all()
    wanted = [slow(row)[name] for row in logits.tolist()]
    # 3e4 has steps of 0.002 in float32, which a logarithm of 3 beside it cannot pass
    assert found.tolist() == pytest.approx(wanted, rel=FLOAT32, abs=1e-6)


def test_half_precision_is_computed_in_full():
    stored = drawn().half()
    for entry in LOGIT_TABLE.values():
        assert torch.equal(entry(logits=stored), entry(logits=stored.float()))


def test_logits_that_make_no_sense_are_refused():
    for score in (max_probability, entropy, max_logit, energy):
        for logits in (torch.zeros(4), torch.zeros(2, 4, 3), torch.zeros(4, 1)):
            with pytest.raises(BadInput, match=r"\[n, classes\], of at least two classes"):
                score(logits)
        with pytest.raises(BadInput, match="finite"):
            score(torch.tensor([[0.0, math.inf]]))


def test_an_ensemble_by_hand():
    # the mean of the largest, each member's of its own class
    members = torch.tensor([[[0.0, math.log(3.0)]], [[math.log(9.0), 0.0]]])
    assert ensemble_max_logit(members).tolist() == near([-(math.log(3) + math.log(9)) / 2])
    for wrong in (torch.zeros(4, 3), torch.zeros(0, 4, 3), torch.zeros(2, 4, 1)):
        with pytest.raises(BadInput, match=r"\[members, n, classes\]"):
            ensemble_max_logit(wrong)


def test_energy_needs_a_temperature_above_0():
    for temperature in [0, -1.0, math.nan, math.inf]:
        with pytest.raises(BadInput, match="temperature must be above 0"):
            energy(drawn(), temperature=temperature)
