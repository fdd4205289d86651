"""Deep SVDD's score: by hand, image by image, and without a trace."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build
from lib.models.deep_svdd import deep_svdd
from lib.scores.deep_svdd import deep_svdd_score

ROUNDING = 1e-5  # float32, other orders of summation for other batches, distances near 1


def network():
    return build(lambda: deep_svdd(1), torch.Generator().manual_seed(0)).eval()


def images(n):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(1))


def test_by_hand():
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 0.0]]).view(3, 1, 1, 2)
    centre = torch.tensor([1.0, 1.0])
    # 0 + 1, 4 + 4, 1 + 1
    found = deep_svdd_score(nn.Flatten().eval(), x, centre)
    assert found.tolist() == [1, 8, 2]


def test_scores_do_not_depend_on_the_batch():
    made, x = network(), images(6)
    centre = made(images(3)).detach().mean(0)
    found = deep_svdd_score(made, x, centre)
    assert found.shape == (6,) and (found > 0).all()
    alone = torch.cat([deep_svdd_score(made, image[None], centre) for image in x])
    torch.testing.assert_close(found, alone, rtol=0, atol=ROUNDING)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(
        deep_svdd_score(made, x[order], centre), found[order], rtol=0, atol=ROUNDING
    )


def test_a_network_in_training_mode_is_refused_and_keeps_its_statistics():
    made = network()
    made.layers[1].train()  # one batch norm is enough
    with pytest.raises(BadInput, match="evaluation mode"):
        deep_svdd_score(made, images(4), torch.ones(32))
    assert made.layers[1].num_batches_tracked == 0


def test_a_centre_that_does_not_fit_is_refused():
    for shape in [(31,), (1,), (), (1, 32), (4, 32)]:
        # a centre of one number would be spread over all coordinates without a word
        with pytest.raises(BadInput, match=r"Outputs \[4, 32\] need a centre"):
            deep_svdd_score(network(), images(4), torch.ones(shape))
