"""The one training loop: what a killed training comes to, which epoch counts, what is kept."""

import math
from functools import partial
from itertools import chain

import pytest
import torch
from torch import nn

from lib.errors import DataCorrupt
from lib.training import loop

NAN = math.nan


class Run:
    """A linear network trained on ten numbers; five batches an epoch, the last of one image."""

    def __init__(self, *, weights=0, batches=0):
        self.model = nn.Linear(1, 1)
        with torch.no_grad():
            self.model.weight.fill_(weights)
            self.model.bias.fill_(weights)
        self.generator = torch.Generator().manual_seed(batches)
        self.x = torch.arange(9.0)[:, None]
        self.batches, self.modes, self.rates, self.epochs = [], [], [], []

    def train(self, *, epochs=3, batch_size=2, objectives=None, killed_at=None, **options):
        optimiser = torch.optim.Adam(self.model.parameters(), lr=0.1)

        def step(batch):
            if len(self.batches) == killed_at:
                raise KeyboardInterrupt
            self.batches.append(batch.tolist())
            self.modes.append(self.model.training)
            self.rates.append(optimiser.param_groups[0]["lr"])
            x = self.x[batch]
            loss = loop.backward(optimiser, (self.model(x) - 2 * x).square().mean())
            return {"loss": loss, "size": float(len(batch))}

        def validate():
            assert not self.model.training
            self.epochs.append(len(self.batches))
            return {"objective": 0.0 if objectives is None else objectives[len(self.epochs) - 1]}

        return loop.train(
            self.model,
            optimiser,
            step,
            validate,
            images=self.x,
            generator=self.generator,
            epochs=epochs,
            batch_size=batch_size,
            **options,
        )


def ended_alike(a, b, course, other):
    """Whether two runs ended alike to the last bit, the time they took aside."""
    states = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    histories = [[e | {"seconds": 0} for e in c.history] for c in (course, other)]
    return all(torch.equal(x, y) for x, y in states) and histories[0] == histories[1]


def test_each_epoch_visits_every_image_once_in_another_order():
    run = Run()
    run.train(epochs=2, leave_one_out=False)
    assert [len(batch) for batch in run.batches] == [2, 2, 2, 2, 1] * 2
    first, second = (list(chain(*run.batches[i : i + 5])) for i in (0, 5))
    assert sorted(first) == sorted(second) == list(range(9)) and first != second
    assert all(run.modes)


def test_a_last_batch_of_one_image_is_left_out_unless_all_are():
    run = Run()
    course = run.train(epochs=1)
    assert [len(batch) for batch in run.batches] == [2, 2, 2, 2]
    assert course.history[0]["size"] == 2
    run = Run()
    run.train(epochs=1, batch_size=1)
    assert len(run.batches) == 9


def test_figures_are_means_over_images_or_over_steps():
    course = Run().train(epochs=1, leave_one_out=False)
    assert course.history[0]["size"] == (4 * 2 * 2 + 1 * 1) / 9  # each batch as often as its images
    course = Run().train(epochs=1, leave_one_out=False, by_step=["size"])
    assert course.history[0]["size"] == (4 * 2 + 1) / 5


def test_the_rate_is_asked_for_by_epoch_and_step():
    run = Run()
    run.train(epochs=2, batch_size=4, rate=lambda epoch, i: epoch + i / 10)
    assert run.rates == [1.0, 1.1, 2.0, 2.1]


@pytest.mark.parametrize("killed_at", [3, 4, 11])
def test_a_killed_training_ends_as_an_uninterrupted_one(tmp_path, killed_at):
    whole = Run()
    wanted = whole.train(keep=[1, 2])
    path = {"checkpoint": tmp_path / "deep" / "net.pt", "fingerprint": "a", "keep": [1, 2]}
    with pytest.raises(KeyboardInterrupt):
        Run().train(killed_at=killed_at, **path)
    # other initial weights and another stream: all but what was never written comes from the file
    strange = {"weights": 7, "batches": 7} if killed_at >= 4 else {}
    again = Run(**strange)
    found = again.train(**path)
    assert ended_alike(again, whole, found, wanted)
    assert len(again.epochs) == 3 - killed_at // 4
    for epoch, kept in wanted.snapshots.items():
        assert all(torch.equal(kept[name], found.snapshots[epoch][name]) for name in kept)


def test_a_finished_training_is_not_repeated_and_a_longer_one_goes_on(tmp_path):
    path = {"checkpoint": tmp_path / "net.pt", "fingerprint": "a"}
    first = Run()
    wanted = first.train(**path)
    again = Run(weights=7)
    found = again.train(**path)
    assert not again.batches
    assert ended_alike(again, first, found, wanted)
    longer = Run(weights=7)
    longer.train(epochs=4, **path)
    assert len(longer.epochs) == 1


@pytest.mark.parametrize("change", [{"fingerprint": "b"}, {"epochs": 1}, {"keep": [2]}])
def test_a_checkpoint_of_another_training_is_ignored(tmp_path, change):
    path = tmp_path / "net.pt"
    Run().train(epochs=2, checkpoint=path, fingerprint="a", keep=[1])
    options = {"epochs": 2, "fingerprint": "a"} | change
    run, fresh = Run(weights=1, batches=1), Run(weights=1, batches=1)
    found = run.train(checkpoint=path, **options)
    assert ended_alike(run, fresh, found, fresh.train(**options))


def test_a_checkpoint_changes_nothing_and_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "net.pt"
    run, plain = Run(), Run()
    assert ended_alike(run, plain, run.train(checkpoint=path), plain.train())
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(DataCorrupt, match=r"net\.pt"):
        Run().train(checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        ([3, 1, 2], 2),
        ([3, 1, 1], 2),  # of equals the earlier one
        ([1, 2, 3], 1),
        ([3, 2, 1], 3),
        ([NAN, 3, 4], 2),  # any number improves on NaN
        ([3, NAN, 2], 3),  # NaN hides nothing
        ([3, NAN, 4], 1),  # and is no improvement
        ([NAN, NAN, NAN], 3),  # nothing to choose by: the last
    ],
)
@pytest.mark.parametrize(("highest", "killed"), [(False, True), (True, False)])
def test_the_best_epoch_is_chosen(tmp_path, objectives, expected, highest, killed):
    signed = [-value if highest else value for value in objectives]
    choose = partial(loop.best_so_far, name="objective", highest=highest)
    options = {"choose": choose, "checkpoint": tmp_path / "net.pt", "objectives": signed}
    if killed:
        with pytest.raises(KeyboardInterrupt):
            Run().train(killed_at=8, **options)
        options["objectives"] = signed[2:]
    run, plain = Run(), Run()
    chosen = run.train(**options).chosen
    assert chosen["epoch"] == expected
    plain.train(epochs=expected)
    wanted = plain.model.state_dict()
    assert all(torch.equal(chosen["kept"][name], wanted[name]) for name in wanted)


def test_kept_weights_are_those_of_a_shorter_training_and_copies():
    run, short = Run(), Run()
    course = run.train(keep=[1, 3])
    short.train(epochs=1)
    assert list(course.snapshots) == [1, 3]
    kept, wanted = course.snapshots[1], short.model.state_dict()
    assert all(torch.equal(kept[name], wanted[name]) for name in wanted)
    before = {name: value.clone() for name, value in course.snapshots[3].items()}
    with torch.no_grad():
        run.model.weight.zero_()
    assert all(torch.equal(course.snapshots[3][name], before[name]) for name in before)


def test_progress_gets_each_entry_after_it_was_written(tmp_path):
    seen = []

    def progress(entry):
        seen.append((entry["epoch"], len(loop.load_checkpoint(tmp_path / "net.pt")["history"])))

    Run().train(checkpoint=tmp_path / "net.pt", progress=progress)
    assert seen == [(1, 1), (2, 2), (3, 3)]
