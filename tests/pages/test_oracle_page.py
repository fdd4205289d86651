"""What both oracle pages share: a run's own settings, and whose rows are read as what."""

import pytest

from lib.pages import oracle, oracle_page
from lib.results import frame, row
from lib.run import parameters

OWN = {"dataset": "mnist-5k", "width": 8, "learning_rate": 0.1, "schedule": "steps", "epochs": 6}


@pytest.fixture
def settings(monkeypatch):
    """Settings of a run; those of its profile are OWN."""
    monkeypatch.setattr(parameters, "own_values", lambda chapter, name: dict(OWN))
    return OWN | {"profile": "quick", "trees": 5}


def test_a_run_like_its_profile_changes_nothing(settings):
    assert oracle_page.changed(settings) == {}
    assert oracle_page.changed(settings | {"trees": 9}) == {}  # the forest's name tells its trees


def test_what_a_run_changes_goes_by_the_keys_of_variants(settings):
    own = {"width": 2, "learning_rate": 0.5, "schedule": "one-cycle", "epochs": 1}
    changed = {"width": 2, "lr": 0.5, "schedule": "one-cycle", "epochs": 1}
    assert oracle_page.changed(settings | own) == changed


def test_other_images_have_epochs_of_their_own(settings):
    other = settings | {"dataset": "cifar-10", "epochs": 30, "width": 4}
    assert oracle_page.changed(other) == {"width": 4}


def test_forests_of_a_run_are_read_by_the_reference_s_names():
    few, usual = oracle.forest_name(3), oracle.FOREST
    same = {"table": "networks", "metric": "AUC", "method": oracle.BASE, "n": 4}
    same |= {"value": 0.5, "seed": 0}
    rows = frame([row(run="r", dataset="MNIST-5k", score=few, **same)])
    found = oracle_page.sources(rows, rows, "MNIST-5k", {"width": 2})
    assert [source.dataset for source in found.values()] == ["CIFAR-10", "MNIST-5k"]
    assert [source.setting for source in found.values()] == [{}, {"width": 2}]
    assert found["reference"].rows["score"].tolist() == [few]
    assert found["this build"].rows["score"].tolist() == [usual]


@pytest.mark.parametrize(
    ("title", "main"), [("MNIST-5k", "CIFAR-10"), ("CIFAR-100", "CIFAR-100"), ("MNIST", "MNIST")]
)
def test_a_full_set_is_read_beside_its_own_reference(title, main):
    assert oracle_page.main_title(title) == main


def test_every_line_is_a_network_that_can_be_trained():
    from lib import training

    assert {"base", "hybrid 0.9", "sobel"} <= set(oracle_page.LINES)
    for name, (method, _) in oracle_page.LINES.items():
        training.recipe(name)  # refuses a name that it does not know
        assert method
