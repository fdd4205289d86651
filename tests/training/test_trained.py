"""Files of trained networks: found by identity alone, and never mixed up."""

import pytest
import torch

from lib import training
from lib.errors import BadInput

IDENTITY = {"network": "dAE sym", "dataset": "MNIST", "seed": 0, "epochs": 10, "noise": 0.2}
WEIGHTS = {"layer.weight": torch.tensor([1.0, 2.0])}


def test_what_was_saved_is_found_by_the_same_identity_only(tmp_path):
    path = training.save_trained(tmp_path, IDENTITY, weights=WEIGHTS, history=[{"epoch": 1.0}])
    assert path.name.startswith("MNIST-dAE-sym-0-10-")
    found = training.load_trained(tmp_path, dict(reversed(IDENTITY.items())))
    assert torch.equal(found.weights["layer.weight"], WEIGHTS["layer.weight"])
    assert found.history == [{"epoch": 1.0}]
    for changed in ({"noise": 0.1}, {"seed": 1}, {"l2": 10.0}):
        assert training.load_trained(tmp_path, IDENTITY | changed) is None


def test_a_renamed_file_and_weights_that_are_not_finite_are_refused(tmp_path):
    other = IDENTITY | {"noise": 0.1}
    path = training.save_trained(tmp_path, IDENTITY, weights=WEIGHTS, history=[])
    path.rename(training.trained_path(tmp_path, other))
    with pytest.raises(BadInput, match="trained otherwise"):
        training.load_trained(tmp_path, other)
    training.save_trained(tmp_path, IDENTITY, weights={"w": torch.tensor(torch.nan)}, history=[])
    with pytest.raises(BadInput, match="not finite"):
        training.load_trained(tmp_path, IDENTITY)
