"""Training trains, keeps the epoch it should, and repeats itself to the last bit."""

import math
from itertools import pairwise

import pytest
import torch

from lib import scores
from lib.errors import BadInput, DataCorrupt
from lib.metrics import auroc
from lib.training import fit, gradcon

KEYS = {"epoch", "train_J", "train_L", "train_cosine"}
KEYS |= {"validation_J", "validation_L", "validation_cosine"}


@pytest.fixture
def train(network, bars):
    """A small training: three batches per epoch."""

    def run(*, weights=0, batches=0, epochs=2, **options):
        return fit(
            network(weights),
            bars(24, 1),
            bars(12, 2),
            generator=torch.Generator().manual_seed(batches),
            epochs=epochs,
            **{"batch_size": 8} | options,
        )

    return run


class Killed(Exception):
    pass


def killed_after(epoch):
    def progress(entry):
        if entry["epoch"] == epoch:
            raise Killed

    return progress


def same(a, b):
    """Whether two trainings ended alike to the last bit."""
    weights = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    means = zip(a.reference.mean, b.reference.mean, strict=True)
    return (
        all(torch.equal(x, y) for x, y in weights)
        and all(torch.equal(x, y) for x, y in means)
        and (a.reference.steps, a.epoch, a.history) == (b.reference.steps, b.epoch, b.history)
    )


# --- training


@pytest.mark.parametrize("alpha", [0.0, 0.03])
def test_training_trains(network, bars, alpha):
    model, start = network(), network()
    found = fit(
        model,
        bars(96, 1),
        bars(32, 2),
        generator=torch.Generator().manual_seed(0),
        epochs=6,
        alpha=alpha,
        batch_size=8,
    )
    assert found.model is model
    # every tensor moved, by more than rounding
    for a, b in zip(model.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3
    losses = [entry["train_L"] for entry in found.history]
    validated = [entry["validation_L"] for entry in found.history]
    # to a third or less in six seeds
    assert losses[-1] < 0.5 * losses[0]
    assert validated[-1] < 0.5 * validated[0]
    # horizontal bars were trained on, vertical ones are the anomaly
    x, labels = torch.cat([bars(40, 3), bars(40, 4, vertical=True)]), [0] * 40 + [1] * 40
    trained, untrained = (
        auroc(labels, scores.reconstruction_error(m, x).double().numpy()) for m in (model, start)
    )
    # an untrained network draws grey whatever it sees, and the two kinds of bars have the same
    # pixels: one half, with a standard error of 0.065 for 40 against 40
    assert untrained < 0.5 + 3 * 0.065
    assert trained > 0.95  # 1.000 in six seeds
    gradient = scores.gradient_score(model, x, found.reference.mean)
    assert auroc(labels, gradient.double().numpy()) > 0.95
    assert len(set(gradient.tolist())) > 70  # not constant


def test_history(train):
    found = train(epochs=3)
    assert [entry["epoch"] for entry in found.history] == [1, 2, 3]
    for entry in found.history:
        assert set(entry) == KEYS
        assert all(type(v) is float and math.isfinite(v) for v in entry.values())
        assert -1 <= entry["validation_cosine"] <= 1
        wanted = entry["validation_L"] - 0.03 * entry["validation_cosine"]
        assert entry["validation_J"] == pytest.approx(wanted, rel=1e-12)  # float64
    plain = train(alpha=0.0).history[-1]
    assert plain["validation_J"] == plain["validation_L"]
    assert plain["train_J"] == plain["train_L"]
    assert plain["train_cosine"] != 0


def test_losses_are_means_over_images_whatever_the_last_batch(network, bars):
    # 10 = 4 + 4 + 2 images, and a rate too small to move a weight: the loss of the start
    model, x, v = network(), bars(10, 1), bars(7, 2)
    options = {"epochs": 1, "batch_size": 4, "alpha": 0.0, "learning_rate": 1e-30}
    found = fit(model, x, v, generator=torch.Generator().manual_seed(0), **options)
    start = network()
    entry = found.history[0]
    for name, images in (("train_L", x), ("validation_L", v)):
        wanted = scores.reconstruction_error(start, images).mean().item()
        assert entry[name] == pytest.approx(wanted, rel=1e-5)  # float32 means of 784 pixels
    assert found.reference.steps == 3


def test_every_image_is_seen_once_per_epoch_in_another_order(network, bars, monkeypatch):
    x = bars(10, 1)
    seen, step = [], gradcon.step
    monkeypatch.setattr(
        gradcon, "step", lambda model, batch, *rest: (seen.append(batch), step(model, batch, *rest))[1]
    )
    options = {"epochs": 2, "batch_size": 4}
    fit(network(), x, x, generator=torch.Generator().manual_seed(0), **options)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    orders = [
        [next(i for i, y in enumerate(x) if torch.equal(image, y)) for image in torch.cat(part)]
        for part in (seen[:3], seen[3:])
    ]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert orders[0] != orders[1]


def test_validation_changes_nothing(network, bars):
    ends = []
    for validation in (bars(4, 2), bars(9, 3, vertical=True)):
        options = {"epochs": 2, "batch_size": 8, "selection": "last"}
        g = torch.Generator().manual_seed(0)
        ends.append(fit(network(), bars(16, 1), validation, generator=g, **options))
    pairs = zip(ends[0].model.parameters(), ends[1].model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


# --- randomness


def test_same_seed_same_result_and_the_global_state_plays_no_part(train):
    torch.manual_seed(1)
    first = train()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(first, train())
    assert torch.equal(torch.get_rng_state(), before)


def test_other_seeds_other_results(train):
    first = train()
    assert not same(first, train(batches=1))
    assert not same(first, train(weights=1))
    assert not same(first, train(alpha=0.3))


# --- selection


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
        ([3, 1, 1], "best", 2),  # of equals the earlier one
        ([1, 2, 3], "best", 1),
        ([3, 2, 1], "best", 3),
        ([3, 1, 2], "last", 3),
        # the official code looks at epochs 1, 6, 11 ... and the last, but remembers every value
        ([9, 8, 7, 6, 5, 4, 5], "official", 6),
        ([9, 1, 7, 6, 5, 4, 3], "official", 1),  # 6 and 7 are not below epoch 2's
        ([9, 8, 7, 6, 5, 6, 4], "official", 7),
        ([9, 8, 7, 6, 1, 2, 3], "official", 1),  # every fifth, counted from the first: not epoch 5
        ([NAN, NAN, NAN], "best", 3),  # nothing to choose by: the last
        ([NAN, NAN], "official", 2),
    ],
)
def test_selection(scripted, objectives, selection, expected):
    assert scripted(objectives, selection) == expected


def test_selection_remembers_across_an_interruption(scripted, tmp_path):
    options = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(Killed):
        scripted([3, 1, 2, 4], "best", progress=killed_after(3), **options)
    epochs = []
    options["progress"] = lambda entry: epochs.append(entry["epoch"])
    assert scripted([3, 1, 2, 4], "best", **options) == 2
    assert epochs == [4]


# --- resuming


@pytest.mark.parametrize("alpha", [0.0, 0.03])
@pytest.mark.parametrize("epochs_done", [1, 3])
@pytest.mark.parametrize("selection", ["best", "last"])
def test_resumed_training_ends_as_an_uninterrupted_one(
    train, tmp_path, epochs_done, alpha, selection
):
    options = {"epochs": 4, "alpha": alpha, "selection": selection}
    whole = train(**options)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    with pytest.raises(Killed):
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


def test_interruption_within_an_epoch_goes_back_to_its_start(train, tmp_path, monkeypatch):
    whole = train(epochs=3)
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    calls, step = [], gradcon.step

    def killed_step(*arguments):
        calls.append(1)
        if len(calls) == 5:  # the second of three batches in epoch 2
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(gradcon, "step", killed_step)
        train(epochs=3, **path)
    assert same(train(epochs=3, **path), whole)


def test_finished_training_is_not_repeated(train, tmp_path):
    path = {"checkpoint": tmp_path / "fit.pt", "fingerprint": "a"}
    whole = train(**path)

    def never(entry):
        raise AssertionError("an epoch was trained again")

    assert same(train(weights=7, progress=never, **path), whole)


def test_checkpoint_writing_changes_nothing(train, tmp_path):
    assert same(train(checkpoint=tmp_path / "fit.pt"), train())


@pytest.mark.parametrize("change", [{"fingerprint": "b"}, {"epochs": 1}])
def test_checkpoint_of_another_training_is_ignored(train, tmp_path, change):
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


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *[({"epochs": v}, "epochs must be") for v in (0, -1, 2.0, True, "3")],
        *[({"batch_size": v}, "batch_size must be") for v in (0, -8, 8.0, False)],
        *[
            ({"learning_rate": v}, "learning_rate must be")
            for v in (0, -1e-3, math.nan, math.inf, True, "fast")
        ],
        *[({"alpha": v}, "alpha must be") for v in (-0.03, math.nan, math.inf, True)],
        ({"selection": "bset"}, "selection must be one of .*best.*'bset'"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(train, tmp_path, change, words):
    path = tmp_path / "fit.pt"
    with pytest.raises(BadInput, match=words) as caught:
        train(checkpoint=path, **change)
    assert "\n" not in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize(("n_train", "n_validation", "word"), [(0, 4, "train"), (4, 0, "validation")])
def test_no_images(network, bars, n_train, n_validation, word):
    with pytest.raises(BadInput, match=f"no {word} images"):
        g = torch.Generator().manual_seed(0)
        fit(network(), bars(n_train, 0), bars(n_validation, 0), generator=g, epochs=1)


def test_images_the_network_cannot_take(network):
    x = torch.rand(4, 1, 32, 32)
    with pytest.raises(BadInput, match=r"28, 28\]; it was given \[4, 1, 32, 32\]"):
        fit(network(), x, x, generator=torch.Generator().manual_seed(0), epochs=1)
