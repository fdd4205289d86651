"""Files of trained networks: found by identity alone, and never mixed up."""

import pytest
import torch

from lib import training
from lib.errors import BadInput

IDENTITY = {"network": "dAE sym", "dataset": "MNIST", "seed": 0, "epochs": 10, "noise": 0.2}
WEIGHTS = {"layer.weight": torch.tensor([1.0, 2.0])}


def test_what_was_saved_is_found_by_the_same_identity_only(tmp_path):
    path = training.trained_path(tmp_path, IDENTITY)
    training.save_trained(path, IDENTITY, weights=WEIGHTS, history=[{"epoch": 1.0}])
    # as in every store that exists
    assert path.name == "MNIST-dAE-sym-0-10-6c5b1fc1.pt"
    same = dict(reversed(IDENTITY.items()))
    found = training.load_trained(training.trained_path(tmp_path, same), same)
    assert torch.equal(found.weights["layer.weight"], WEIGHTS["layer.weight"])
    assert found.history == [{"epoch": 1.0}]
    for changed in ({"noise": 0.1}, {"seed": 1}, {"l2": 10.0}):
        other = IDENTITY | changed
        assert training.load_trained(training.trained_path(tmp_path, other), other) is None


def test_a_renamed_file_and_weights_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "a.pt"
    training.save_trained(path, IDENTITY, weights=WEIGHTS, history=[])
    with pytest.raises(BadInput, match="trained otherwise"):
        training.load_trained(path, IDENTITY | {"noise": 0.1})
    training.save_trained(path, IDENTITY, weights={"w": torch.tensor(torch.nan)}, history=[])
    with pytest.raises(BadInput, match="not finite"):
        training.load_trained(path, IDENTITY)
