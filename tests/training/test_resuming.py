"""A training that was killed ends as one that was not, to the last bit."""

import pytest

from lib.errors import DataCorrupt
from lib.training import gradcon


@pytest.mark.parametrize("alpha", [0.0, 0.03])
@pytest.mark.parametrize("epochs_done", [1, 3])
@pytest.mark.parametrize("selection", ["best", "last"])
def test_resumed_training_ends_as_an_uninterrupted_one(
    train, same, killed_after, tmp_path, epochs_done, alpha, selection
):
    options = {"epochs": 4, "alpha": alpha, "selection": selection}
    whole = train(**options)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        train(progress=killed_after(epochs_done), **options, **path)
    epochs = []
    # other initial weights and another stream: everything must come from the file
    found = train(
        weights=7,
        batches=7,
        progress=lambda entry: epochs.append(entry["epoch"]),
        **options,
        **path,
    )
    assert epochs == list(range(epochs_done + 1, 5))
    assert same(found, whole)


def test_interruption_within_an_epoch_goes_back_to_its_start(train, same, tmp_path, monkeypatch):
    whole = train(epochs=3)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    calls, step = [], gradcon.step

    def killed_step(*arguments, **options):
        calls.append(1)
        if len(calls) == 5:  # the second of three batches in epoch 2
            raise KeyboardInterrupt
        return step(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(gradcon, "step", killed_step)
        train(epochs=3, **path)
    assert same(train(epochs=3, **path), whole)


def test_finished_training_is_not_repeated(train, same, tmp_path):
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    whole = train(**path)

    def never(entry):
        raise AssertionError("an epoch was trained again")

    assert same(train(weights=7, progress=never, **path), whole)


def test_checkpoint_writing_changes_nothing(train, same, tmp_path):
    assert same(train(checkpoint=tmp_path / "fit.pt"), train())


@pytest.mark.parametrize("change", [{"fingerprint": "b"}, {"epochs": 1}])
def test_checkpoint_of_another_training_is_ignored(train, same, tmp_path, change):
    path = tmp_path / "fit.pt"
    train(epochs=2, checkpoint=path, fingerprint="a")
    options = {"epochs": 2, "fingerprint": "a"} | change
    found = train(weights=1, batches=1, checkpoint=path, **options)
    assert same(found, train(weights=1, batches=1, epochs=options["epochs"]))
    # and the file is now this training's
    assert same(train(checkpoint=path, **options), found)


def test_damaged_checkpoint_is_refused_and_left_alone(train, tmp_path):
    path = tmp_path / "fit.pt"
    train(epochs=1, checkpoint=path)
    # written whole or not at all, so a cut-off file is no trace of a killed run
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(DataCorrupt, match=r"fit\.pt"):
        train(epochs=1, checkpoint=path)
    assert path.read_bytes() == before
