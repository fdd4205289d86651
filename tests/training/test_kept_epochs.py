"""GradCon's networks on the way: the epochs that were to be kept, and going on from a file."""

import pytest
import torch


def equal(a, b):
    (first, one), (second, two) = a, b
    states = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    means = zip(one, two, strict=True)
    return all(torch.equal(x, y) for x, y in [*states, *means])


def test_a_kept_epoch_is_the_last_one_of_a_shorter_training(train):
    found = train(epochs=4, keep=[2, 4], selection="last")
    short = train(epochs=2, selection="last")
    assert equal(found.at(2), (short.model, short.reference.mean))
    assert equal(found.at(4), (found.model, found.reference.mean))


def test_kept_epochs_survive_an_interruption(train, killed_after, tmp_path):
    whole = train(epochs=3, keep=[1, 3])
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        train(epochs=3, keep=[1, 3], progress=killed_after(2), **path)
    found = train(weights=7, epochs=3, keep=[1, 3], **path)
    assert equal(found.at(1), whole.at(1)) and equal(found.at(3), whole.at(3))
