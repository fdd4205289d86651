"""A classifier's training that was killed ends as one that was not, to the last bit."""

import pytest
import torch
from torch import nn

from lib.errors import DataCorrupt
from lib.models import Classifier, GeneralizedOdinHead, build
from lib.models.resnet import GlobalMean
from lib.training import classifier
from lib.training.auxiliary import Auxiliary
from lib.training.classifier import fit_classifier

K = 4


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, seed):
    x = torch.randint(256, (n, 3, 8, 8), generator=seeded(seed), dtype=torch.uint8)
    return x, torch.arange(n) % 3


def network(seed=0, head=nn.Linear):
    def make():
        trunk = nn.Sequential(
            nn.Conv2d(3, K, 3, padding=1), nn.BatchNorm2d(K), nn.ReLU(), GlobalMean()
        )
        return Classifier(trunk, head(K, 3), classes=3, size=8, mean=[0.5] * 3, deviation=[0.3] * 3)

    return build(make, seeded(seed)).to(memory_format=torch.channels_last)


def decoder(seed=0):
    return build(lambda: nn.Sequential(nn.Linear(K, 192), nn.Unflatten(1, (3, 8, 8))), seeded(seed))


def turner(seed=0):
    return build(lambda: nn.Linear(K, 4), seeded(seed))


CASES = {
    "plain": {},
    "one-cycle, no flip": {"schedule": "one-cycle", "flip": False},
    "generalized ODIN": {"head": GeneralizedOdinHead},
    "hybrid": {"task": ("reconstruction", decoder)},
    "pure reconstruction": {"task": ("reconstruction", decoder), "classification": 0.0},
    "rotation": {"task": ("rotation", turner)},
    "bfloat16": {"precision": "bfloat16"},
}


def train(*, seed=0, epochs=4, head=nn.Linear, task=None, **options):
    """Three batches an epoch; with another seed other initial weights and another stream."""
    auxiliary = None if task is None else Auxiliary(task[0], task[1](seed), 0.5)
    found = fit_classifier(
        network(seed, head),
        images(23, 1),
        images(9, 2),
        generator=seeded(seed),
        epochs=epochs,
        auxiliary=auxiliary,
        **{"batch_size": 8, "keep": (1, 3)} | options,
    )
    parts = [found.model.state_dict(), *found.snapshots.values()]
    if auxiliary:
        parts.append(auxiliary.head.state_dict())
    weights = [v.clone() for part in parts for v in part.values()]
    history = [{k: v for k, v in e.items() if k != "seconds"} for e in found.history]
    return weights, (found.epoch, list(found.snapshots), history)


def same(a, b):
    return a[1] == b[1] and all(torch.equal(x, y) for x, y in zip(a[0], b[0], strict=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("epochs_done", [1, 3])
def test_resumed_training_ends_as_an_uninterrupted_one(case, epochs_done, killed_after, tmp_path):
    whole = train(**CASES[case])
    options = CASES[case] | {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        train(progress=killed_after(epochs_done), **options)
    epochs = []
    # other initial weights and another stream: everything must come from the file
    found = train(seed=7, progress=lambda entry: epochs.append(entry["epoch"]), **options)
    assert epochs == list(range(epochs_done + 1, 5))
    assert same(found, whole)


def test_interruption_within_an_epoch_goes_back_to_its_start(tmp_path, monkeypatch):
    whole = train()
    options = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    calls, step = [], classifier._step

    def killed_step(*arguments):
        calls.append(1)
        if len(calls) == 5:  # the second of three batches in epoch 2
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(classifier, "_step", killed_step)
        train(**options)
    assert same(train(**options), whole)


def test_finished_training_is_not_repeated(tmp_path):
    options = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    whole = train(**options)

    def never(entry):
        raise AssertionError("an epoch was trained again")

    assert same(train(seed=7, progress=never, **options), whole)


def test_checkpoint_writing_changes_nothing(tmp_path):
    assert same(train(checkpoint=tmp_path / "fit.pt"), train())


@pytest.mark.parametrize(
    "change", [{"fingerprint": "b"}, {"epochs": 2}, {"epochs": 6}, {"keep": (1, 2)}]
)
def test_checkpoint_of_another_training_is_ignored(tmp_path, change):
    # other than elsewhere more epochs are another training too: the rates depend on their number;
    # and a snapshot that was not kept cannot be had any more
    path = tmp_path / "fit.pt"
    train(checkpoint=path, fingerprint="a")
    options = {"epochs": 4, "fingerprint": "a"} | change
    found = train(seed=1, checkpoint=path, **options)
    assert same(found, train(seed=1, **{k: v for k, v in options.items() if k != "fingerprint"}))
    # and the file is now this training's
    assert same(train(checkpoint=path, **options), found)


def test_the_best_epoch_is_remembered_across_an_interruption(tmp_path, monkeypatch, killed_after):
    accuracies = iter([0.3, 0.9, 0.5, 0.6])
    monkeypatch.setattr(
        classifier, "held_out_errors", lambda *_, **__: (0.0, next(accuracies), 0.0)
    )
    options = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        train(progress=killed_after(3), keep=(2,), **options)
    weights, (epoch, *_) = train(seed=7, keep=(2,), **options)
    assert epoch == 2
    half = len(weights) // 2  # the network chosen, then the snapshot of epoch 2
    assert all(torch.equal(a, b) for a, b in zip(weights[:half], weights[half:], strict=True))


def test_damaged_checkpoint_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "fit.pt"
    train(epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(DataCorrupt, match=r"fit\.pt"):
        train(epochs=1, checkpoint=path)
    assert path.read_bytes() == before
