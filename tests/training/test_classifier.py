"""A classifier's training trains, says what it did, and depends on its generator alone."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.errors import BadInput
from lib.models import Classifier, GeneralizedOdinHead, ReconstructionDecoder, ResNet34, build
from lib.models.resnet import GlobalMean
from lib.training import classifier
from lib.training.auxiliary import Auxiliary
from lib.training.classifier import fit_classifier
from lib.training.objective import held_out_errors
from lib.training.prediction import predict

KEYS = {"epoch", "train_loss", "train_accuracy", "gradient_norm"}
KEYS |= {"validation_loss", "validation_accuracy"}
K = 12


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def bars(n, seed, *, dtype=torch.uint8):
    """Noisy images of 8×8 pixels with a bright bar at the top, in the middle or at the bottom."""
    g = seeded(seed)
    labels = torch.arange(n) % 3
    x = torch.randint(60, (n, 3, 8, 8), generator=g, dtype=torch.uint8)
    for image, label in zip(x, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 2] += 180
    return (x if dtype == torch.uint8 else x.float() / 255), labels


def network(seed=0, head=nn.Linear):
    def make():
        trunk = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, K, (8, 1)),  # sees the height of a bar
            nn.ReLU(),
            GlobalMean(),
        )
        mean, deviation = [0.3] * 3, [0.3] * 3
        return Classifier(trunk, head(K, 3), classes=3, size=8, mean=mean, deviation=deviation)

    return build(make, seeded(seed))


def task(name, weight, seed=0):
    shape = {"rotation": (4,), "sobel": (1, 8, 8)}.get(name, (3, 8, 8))

    def make():
        return nn.Sequential(nn.Linear(K, math.prod(shape)), nn.Unflatten(1, shape))

    return Auxiliary(name, build(make, seeded(seed)), weight)


def train(*, weights=0, draws=0, model=None, n=24, **options):
    """A small training: three batches an epoch."""
    options = {"epochs": 2, "batch_size": 8, "learning_rate": 0.05, "augment": False} | options
    model = network(weights) if model is None else model
    return fit_classifier(model, bars(n, 1), bars(9, 2), generator=seeded(draws), **options)


def weights_of(network):
    return [v.clone() for v in network.state_dict().values()]


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def without_time(history):
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]


@pytest.mark.parametrize(
    ("head", "schedule"), [(nn.Linear, "steps"), (GeneralizedOdinHead, "one-cycle")]
)
def test_training_trains(head, schedule):
    model, start = network(head=head), network(head=head)
    found = train(model=model, n=96, epochs=8, schedule=schedule, learning_rate=0.1)
    assert found.model is model
    assert not any(m.training for m in model.modules())
    # every weight moved, by more than rounding, but a bias that batch norm takes out again
    for (name, a), b in zip(model.named_parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3 or name == "head.gate.0.bias"
    first, last = found.history[0], found.history[-1]
    assert last["train_loss"] < 0.1 * first["train_loss"]  # to a hundredth in eight seeds
    x, labels = bars(60, 3)
    accuracy = (predict(model, x).logits.argmax(1) == labels).double().mean()
    assert accuracy > 0.9  # one third untrained
    # the chosen weights are those whose accuracy the history shows
    x, labels = bars(9, 2)
    accuracy = (predict(model, x).logits.argmax(1) == labels).double().mean().item()
    assert found.history[found.epoch - 1]["validation_accuracy"] == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("name", "classification"), [("reconstruction", 0.0), ("sobel", 1.0), ("rotation", 1.0)]
)
def test_auxiliary_tasks_are_learned_alone_and_beside_the_classes(name, classification):
    model, auxiliary = network(), task(name, 1.0)
    options = {"epochs": 8, "n": 96, "learning_rate": 0.1, "classification": classification}
    found = train(model=model, auxiliary=auxiliary, **options)
    errors = [entry["validation_auxiliary"] for entry in found.history]
    # to 0.69 or less in six seeds
    assert errors[-1] < 0.8 * errors[0]
    assert found.history[-1]["train_auxiliary"] < 0.8 * found.history[0]["train_auxiliary"]
    accuracies = [entry["validation_accuracy"] for entry in found.history]
    if classification:
        assert max(accuracies) > 0.9
        assert found.epoch == 1 + accuracies.index(max(accuracies))
    else:
        assert found.epoch == 1 + errors.index(min(errors))
        assert equal(weights_of(model.head), weights_of(network().head))  # as it was, undecayed
    # the chosen head goes with the chosen network
    loss, _, error = held_out_errors(
        lambda *batch: classifier.batch_errors(
            model, auxiliary, *batch, classification=classification, precision="float32"
        ),
        bars(9, 2),
        batch_size=8,
    )
    chosen = found.history[found.epoch - 1]
    assert error == pytest.approx(chosen["validation_auxiliary"], rel=1e-6)  # float32
    assert loss == pytest.approx(chosen["validation_loss"], rel=1e-6)


def test_history():
    found = train(epochs=3)
    assert [entry["epoch"] for entry in found.history] == [1, 2, 3]
    for entry in found.history:
        assert set(entry) == KEYS | {"seconds"}
        assert all(type(v) is float and math.isfinite(v) for v in entry.values())
    both = train(auxiliary=task("sobel", 0.5)).history[0]
    assert set(both) == KEYS | {"seconds", "train_auxiliary", "validation_auxiliary"}


def test_one_epoch_equals_sgd_by_hand():
    model, start = network(head=GeneralizedOdinHead), network(head=GeneralizedOdinHead).train()
    x, labels = bars(24, 1)
    train(model=model, epochs=1, weight_decay=0.1)  # "steps" of one epoch: the peak throughout
    moved = {name: torch.zeros_like(p) for name, p in start.named_parameters()}
    for batch in torch.randperm(24, generator=seeded()).split(8):
        start.zero_grad()
        F.cross_entropy(start(x[batch].float() / 255), labels[batch]).backward()
        with torch.no_grad():
            for name, p in start.named_parameters():
                decay = 0.0 if name == "head.directions" else 0.1
                moved[name] = 0.9 * moved[name] + p.grad + decay * p
                p -= 0.05 * moved[name]
    for (name, a), b in zip(model.named_parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, msg=name)  # float32, three steps


def test_rates_follow_the_schedule_over_all_epochs(monkeypatch):
    seen = []

    def spy(schedule, step, **options):
        seen.append((schedule, step, *options.values()))
        return 0.01

    monkeypatch.setattr(classifier, "rate_at", spy)
    train(epochs=3, schedule="one-cycle", learning_rate=0.2)
    assert seen == [("one-cycle", step, 0.2, 3, 3) for step in range(9)]


@pytest.mark.parametrize(("augment", "n"), [(False, 24), (False, 26), (True, 25)])
def test_every_image_is_seen_once_per_epoch_but_a_last_one_alone(monkeypatch, augment, n):
    seen, errors = [], classifier.batch_errors

    def spy(model, auxiliary, x, labels, turns, **options):
        if model.training:
            seen.append((x, labels))
        return errors(model, auxiliary, x, labels, turns, **options)

    monkeypatch.setattr(classifier, "batch_errors", spy)
    x, labels = bars(n, 1)
    train(n=n, augment=augment, epochs=2)
    sizes = [8, 8, 8] + [2] * (n == 26)
    assert [len(batch) for batch, _ in seen] == sizes * 2
    orders = []
    for part in (seen[: len(sizes)], seen[len(sizes) :]):
        assert all(batch.dtype == torch.float32 and batch.max() <= 1 for batch, _ in part)
        if augment:
            continue
        found = torch.cat([batch for batch, _ in part])
        order = [
            next(i for i, y in enumerate(x) if torch.equal(image, y.float() / 255))
            for image in found
        ]
        assert len(set(order)) == sum(sizes)
        assert torch.equal(labels[order], torch.cat([y for _, y in part]))
        orders.append(order)
    assert augment or orders[0] != orders[1]


def test_bytes_and_numbers_train_alike():
    ends = []
    for dtype in (torch.uint8, torch.float32):
        model, options = network(), {"epochs": 2, "batch_size": 8}
        sets = bars(24, 1, dtype=dtype), bars(9, 2, dtype=dtype)
        fit_classifier(model, *sets, generator=seeded(), **options)
        ends.append(weights_of(model))
    assert equal(*ends)


def test_bfloat16_trains_float32_weights():
    model = network()
    found = train(model=model, n=96, epochs=6, learning_rate=0.1, precision="bfloat16")
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert not equal(weights_of(model), weights_of(train(n=96, epochs=6, learning_rate=0.1).model))
    assert found.history[-1]["train_loss"] < 0.1 * found.history[0]["train_loss"]


def test_the_resnet_trains_with_a_decoder_beside_it():
    model = build(lambda: ResNet34(3, width=1), seeded())
    decoder = build(lambda: ReconstructionDecoder(8, width=8), seeded())
    x = torch.randint(256, (8, 3, 32, 32), generator=seeded(), dtype=torch.uint8)
    labelled = x, torch.arange(8) % 3
    auxiliary, before = Auxiliary("reconstruction", decoder, 0.9), weights_of(decoder)
    found = fit_classifier(
        model,
        labelled,
        labelled,
        generator=seeded(),
        epochs=2,
        batch_size=4,
        auxiliary=auxiliary,
        schedule="one-cycle",
    )
    assert all(math.isfinite(v) for entry in found.history for v in entry.values())
    assert not equal(weights_of(decoder), before)


# --- randomness


def test_same_seed_same_result_and_the_global_state_plays_no_part():
    options = {"augment": True, "auxiliary": task("rotation", 1.0)}
    torch.manual_seed(1)
    first = train(**options)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = train(**options | {"auxiliary": task("rotation", 1.0)})
    assert equal(weights_of(first.model), weights_of(again.model))
    assert without_time(first.history) == without_time(again.history)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "change",
    [
        {"draws": 1},
        {"augment": False},
        {"flip": False},
        {"weight_decay": 0.1},
        {"schedule": "one-cycle"},
        {"auxiliary": task("reconstruction", 1.0)},
    ],
)
def test_every_option_makes_another_network(change):
    first = train(augment=True, epochs=3)
    found = train(**{"augment": True, "epochs": 3} | change)
    assert not equal(found.model.parameters(), first.model.parameters())


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *[({"epochs": v}, "epochs must be") for v in (0, 2.0)],
        ({"batch_size": 0}, "batch_size must be"),
        ({"learning_rate": math.nan}, "learning_rate must be"),
        ({"weight_decay": -1e-4}, "weight_decay must be"),
        ({"classification": math.inf}, "classification must be"),
        ({"schedule": "cosine"}, "schedule must be one of .*one-cycle.*'cosine'"),
        ({"precision": "half"}, "precision must be one of .*'half'"),
        ({"classification": 0.0}, "nothing to train for"),
        ({"classification": 0, "auxiliary": task("sobel", 0.0)}, "nothing to train for"),
    ],
)
def test_nonsense_is_refused_before_anything_happens(tmp_path, change, words):
    path, model = tmp_path / "fit.pt", network()
    with pytest.raises(BadInput, match=words) as caught:
        train(model=model, checkpoint=path, **change)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    assert equal(weights_of(model), weights_of(network()))


def test_images_and_labels_that_do_not_fit_are_refused():
    for x, labels, words in [
        (torch.zeros(0, 3, 8, 8), torch.zeros(0), "There are no train images"),
        (torch.zeros(4, 3, 8, 8).double(), torch.zeros(4), "train images must be uint8 or float32"),
        (torch.zeros(4, 3, 8, 8), torch.zeros(3).long(), r"int64 of shape \[4\]"),
        (torch.zeros(4, 3, 8, 8), torch.zeros(4), r"int64 of shape \[4\].*float32"),
        (torch.zeros(4, 3, 8, 8), torch.tensor([0, 1, 2, 3]), "between 0 and 2, .* from 0 to 3"),
        (torch.zeros(4, 3, 8, 8), torch.tensor([0, 1, 2, -1]), "reach from -1 to 2"),
        (torch.zeros(4, 1, 8, 8), torch.tensor([0, 1, 2, 2]), r"takes images \[n, 3, 8, 8\]"),
    ]:
        with pytest.raises(BadInput, match=words):
            fit_classifier(network(), (x, labels), bars(9, 2), generator=seeded(), epochs=1)
        with pytest.raises(BadInput, match=words.replace("train", "validation")):
            fit_classifier(network(), bars(9, 2), (x, labels), generator=seeded(), epochs=1)
