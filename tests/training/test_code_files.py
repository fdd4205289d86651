"""What a checkpoint belongs to: each file that a training runs through, and no other model's."""

import importlib
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lib.methods.table import METHODS
from lib.methods.task import Task
from lib.models import CAE
from lib.models.vae import VAE
from lib.paths import ROOT
from lib.training import (
    checkpoint,
    digit_recipe,
    fit,
    fit_digit_recipe,
    fit_recipe,
    recipe,
    untrained_digits,
    untrained_network,
)
from lib.training.code_files import NEUTRAL, code_files

LIB = ROOT / "lib"
NEUTRAL_FILES = {ROOT / (name.replace(".", "/") + ".py") for name in NEUTRAL}
X = torch.rand((16, 1, 28, 28), generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(16) % 3


def names(files):
    return {file.relative_to(LIB).as_posix() for file in files}


def files_run(call):
    """The files of lib whose functions run during a call, as Python's own profiler hook sees it."""
    seen = set()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_name != "<module>":
            seen.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return {Path(file) for file in seen if Path(file).is_relative_to(LIB)}


def method(name, tmp_path, **options):
    task = Task(
        train=X[:12],
        validation=X[12:],
        seed=0,
        normal=1,
        epochs=1,
        batch_size=8,
        checkpoint=lambda word: tmp_path / f"{word}.pt",
    )
    return METHODS[name].fit(task, **options)


def oracle(name, tmp_path):
    images = (F.pad(X, [2] * 4) * 255).to(torch.uint8).repeat(1, 3, 1, 1)
    chosen = recipe(name)
    network = untrained_network(chosen, seed=0, classes=3, width=2, channels=3)
    sets = (images, LABELS), (images[:4], LABELS[:4])
    kept = tmp_path / "net.pt"
    fit_recipe(chosen, network, *sets, seed=0, identity={}, epochs=1, checkpoint=kept)


def digits(name, tmp_path):
    chosen = digit_recipe(name, omega=2)
    network = untrained_digits(chosen, seed=0, classes=3)
    sets, kept = ((X, LABELS), (X[:4], LABELS[:4])), tmp_path / "net.pt"
    fit_digit_recipe(
        chosen, network, *sets, seed=0, identity={}, epochs=1, batch_size=8, checkpoint=kept
    )


@pytest.mark.parametrize(
    "train",
    [
        pytest.param(lambda path: method("GradCon", path), id="GradCon"),
        pytest.param(lambda path: method("VAE", path), id="VAE"),
        pytest.param(lambda path: method("DAE", path), id="DAE"),
        pytest.param(lambda path: method("DSVDD", path, pretrain_epochs=1), id="DSVDD"),
        pytest.param(lambda path: method("LSA", path), id="LSA"),
        pytest.param(lambda path: oracle("base", path), id="classifier"),
        pytest.param(lambda path: oracle("hybrid 1", path), id="hybrid"),
        pytest.param(lambda path: oracle("rotation", path), id="rotation"),
        pytest.param(lambda path: oracle("generalized odin", path), id="generalized odin"),
        pytest.param(lambda path: digits("COOL", path), id="COOL"),
        pytest.param(lambda path: digits("dAE asym", path), id="dAE"),
    ],
)
def test_each_file_that_a_training_runs_through_counts_for_its_checkpoint(
    train, tmp_path, monkeypatch
):
    counted = []

    def noted(*code):
        counted.extend(code_files(*code))
        return code_files(*code)

    monkeypatch.setattr(checkpoint, "code_files", noted)
    run = files_run(lambda: train(tmp_path))
    assert list(tmp_path.iterdir())  # it was kept
    assert len(names(run)) > 4  # the hook has seen it
    # a method's own file says what is trained, by settings that are in the fingerprint, and scores
    aside = {file for file in run if file.parent.name in ("methods", "scores")}
    listing = {Path(code_files.__code__.co_filename)}
    assert names(run - aside - listing - NEUTRAL_FILES) <= names(counted)


def test_what_a_package_hands_on_is_looked_up_where_it_is_defined():
    found = names(code_files(fit))
    assert {"models/cae.py", "models/vae.py", "models/transposed.py"} <= found
    assert {"training/gradcon.py", "training/constraint.py", "training/reference.py"} <= found
    assert not {"models/resnet.py", "models/__init__.py", "training/checks.py"} & found


def test_files_come_once_in_order_and_with_their_own():
    assert code_files(CAE) == [LIB / "models/cae.py"]
    assert code_files(VAE, CAE, VAE) == [LIB / "models/cae.py", LIB / "models/vae.py"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A project of another name: a package that hands on a class and a number, and two users."""
    for name, text in {
        "made/__init__.py": "from made.first import LIMIT, First\nfrom made.second import Second\n",
        "made/first.py": "LIMIT = 3\nclass First: pass\n",
        "made/second.py": "class Second: pass\n",
        "by_class.py": "from made import First\ndef f(): return First\n",
        "by_number.py": "from made import LIMIT\ndef f(): return LIMIT\n",
        "by_module.py": "from made import first\ndef f(): return first\n",
        "inside.py": "def f():\n    import made.second\n    return made.second\n",
        "outside.py": "import json\nfrom pathlib import Path\ndef f(): return json, Path\n",
    }.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "project" / "__init__.py").write_text("")
    for file in (tmp_path / "project").rglob("*.py"):
        file.write_text(file.read_text().replace("made", "project.made"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("lib.training.code_files.PROJECT", "project")

    def ask(name):
        code = importlib.import_module(f"project.{name}").f
        return {file.relative_to(tmp_path / "project").as_posix() for file in code_files(code)}

    yield ask
    for name in [name for name in sys.modules if name.partition(".")[0] == "project"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("by_class", {"made/first.py"}),
        ("by_module", {"made/first.py"}),
        ("inside", {"made/second.py"}),
        ("outside", set()),
        # a number does not know where it comes from: then the whole package counts
        ("by_number", {"made/__init__.py", "made/first.py", "made/second.py"}),
    ],
)
def test_imports_are_followed(package, name, found):
    assert package(name) == found | {f"{name}.py"}
