"""Which epoch's network is kept."""

from itertools import pairwise

import pytest
import torch

from lib.training import gradcon


@pytest.fixture
def scripted(train, monkeypatch):
    """Trains with validation objectives as told; checks that the kept state is that epoch's."""

    kept = {}  # over all trainings of a test: a resumed one sees only its own epochs

    def run(objectives, selection, **options):
        def told(model, validation, reference, *rest):
            epoch = reference.steps // 3  # three batches per epoch
            kept[epoch] = [p.detach().clone() for p in model.parameters()]
            kept[epoch] += reference.copy().mean
            return {"validation_J": objectives[epoch - 1]}

        monkeypatch.setattr(gradcon, "_validate", told)
        found = train(epochs=len(objectives), selection=selection, **options)
        assert len(found.history) == len(objectives)
        assert found.reference.steps == 3 * found.epoch
        state = [*found.model.parameters(), *found.reference.mean]
        assert all(torch.equal(a, b) for a, b in zip(state, kept[found.epoch], strict=True))
        # the epochs differ, so the line above can tell them apart
        assert not any(torch.equal(a[0], b[0]) for a, b in pairwise(kept.values()))
        return found.epoch

    return run


NAN = float("nan")


@pytest.mark.parametrize(
    ("objectives", "selection", "expected"),
    [
        ([3, 1, 2], "best", 2),
        ([3, 1, 2], "last", 3),
        # the official code looks at epochs 1, 6, 11 ... and the last, but remembers every value
        ([9, 8, 7, 6, 5, 4, 5], "official", 6),
        ([9, 1, 7, 6, 5, 4, 3], "official", 1),  # 6 and 7 are not below epoch 2's
        ([9, 8, 7, 6, 5, 6, 4], "official", 7),
        ([9, 8, 7, 6, 1, 2, 3], "official", 1),  # every fifth, counted from the first: not epoch 5
        ([NAN, NAN], "official", 2),
    ],
)
def test_selection(scripted, objectives, selection, expected):
    assert scripted(objectives, selection) == expected


def test_selection_remembers_across_an_interruption(scripted, killed_after, tmp_path):
    options = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(KeyboardInterrupt):
        scripted([3, 1, 2, 4], "best", progress=killed_after(3), **options)
    epochs = []
    options["progress"] = lambda entry: epochs.append(entry["epoch"])
    assert scripted([3, 1, 2, 4], "best", **options) == 2
    assert epochs == [4]
