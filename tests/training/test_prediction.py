"""Logits and z of many images: those of a plain forward pass, in evaluation mode."""

import pytest
import torch

from lib.errors import BadInput
from lib.models import GeneralizedOdinHead, ResNet34, build
from lib.training.prediction import predict

# Another batch size sums in another order: float32 rounding through 34 layers of a narrow network.
ROUNDING = {"rtol": 1e-4, "atol": 1e-5}


def network(**options):
    g = torch.Generator().manual_seed(0)
    return build(lambda: ResNet34(4, width=2, **options), g)


def images(n=11):
    g = torch.Generator().manual_seed(1)
    return torch.randint(256, (n, 3, 32, 32), generator=g, dtype=torch.uint8)


@pytest.mark.parametrize("head", [torch.nn.Linear, GeneralizedOdinHead])
def test_equals_a_plain_forward_pass(head):
    model, x = network(head=head), images()
    found = predict(model, x, batch_size=4)
    assert not any(m.training for m in model.modules())
    with torch.no_grad():
        z = model.features(x.float() / 255)
        torch.testing.assert_close(found.z, z, **ROUNDING)
        torch.testing.assert_close(found.logits, model(x.float() / 255), **ROUNDING)
    assert found.logits.shape == (11, 4) and found.z.shape == (11, 16)
    assert not found.logits.requires_grad and not found.z.requires_grad


def test_bytes_and_numbers_are_the_same_images():
    model, x = network(), images()
    found, told = predict(model, x), predict(model, x.float() / 255)
    assert torch.equal(found.logits, told.logits) and torch.equal(found.z, told.z)


def test_a_network_in_training_mode_keeps_its_running_averages():
    model, x = network().train(), images()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    predict(model, x)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_each_batch_passes_through_the_network_once():
    model, calls = network(), []
    handle = model.trunk.register_forward_hook(lambda *_: calls.append(1))
    predict(model, images(11), batch_size=4)
    handle.remove()
    assert len(calls) == 3


def test_bfloat16_is_near_and_answers_in_float32():
    model, x = network(), images()
    exact, rough = predict(model, x), predict(model, x, precision="bfloat16")
    assert rough.z.dtype == rough.logits.dtype == torch.float32
    # bfloat16 keeps 8 binary digits: 0.4 % for one product, some of it lost in each of 34 layers
    assert not torch.equal(rough.z, exact.z)
    assert (rough.z - exact.z).norm() < 0.1 * exact.z.norm()


def test_nonsense_is_refused_in_words():
    model = network()
    with pytest.raises(BadInput, match="There are no given images"):
        predict(model, images()[:0])
    with pytest.raises(BadInput, match="batch_size must be"):
        predict(model, images(), batch_size=0)
    with pytest.raises(BadInput, match=r"precision must be one of .*'float16'"):
        predict(model, images(), precision="float16")
    with pytest.raises(BadInput, match=r"takes images \[n, 3, 32, 32\]"):
        predict(model, images()[:, :1])
