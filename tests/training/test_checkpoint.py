"""Checkpoints are whole, safe to open and noticed when damaged."""

import importlib.util
import os
import pickle
import sys
from pathlib import Path

import pytest
import torch

from lib.errors import DataCorrupt
from lib.training import (
    checkpoint,
    fingerprint,
    fit,
    load_checkpoint,
    save_checkpoint,
)

CONTENT = {"weights": torch.arange(200.0), "steps": 3, "history": [{"epoch": 1.0}], "hit": True}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.fixture
def path(tmp_path):
    save_checkpoint(tmp_path / "net.pt", CONTENT)
    return tmp_path / "net.pt"


def test_round_trip(path):
    found = load_checkpoint(path)
    assert found.keys() == CONTENT.keys()
    assert torch.equal(found["weights"], CONTENT["weights"])
    assert (found["steps"], found["history"], found["hit"]) == (3, [{"epoch": 1.0}], True)
    assert [p.name for p in path.parent.iterdir()] == ["net.pt"]


def test_failed_write_leaves_the_old_file_and_no_part(path, monkeypatch):
    def broken_save(content, part):
        Path(part).write_bytes(b"half a checkpoint")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", broken_save)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"steps": 4})
    monkeypatch.undo()
    assert load_checkpoint(path)["steps"] == 3
    assert [p.name for p in path.parent.iterdir()] == ["net.pt"]


def test_the_file_changes_only_when_the_new_one_is_whole(path, monkeypatch):
    replace = os.replace

    def spied_replace(part, target):
        assert load_checkpoint(Path(target))["steps"] == 3  # still the old one
        assert load_checkpoint(Path(part))["steps"] == 4  # already whole
        replace(part, target)

    monkeypatch.setattr(os, "replace", spied_replace)
    save_checkpoint(path, {"steps": 4})
    assert load_checkpoint(path)["steps"] == 4


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_cut_off_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataCorrupt, match=r"net\.pt is damaged") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_changed_weight_is_refused(path):
    # torch.load reads such a file without a word
    whole = path.read_bytes()
    weights = CONTENT["weights"].numpy().tobytes()
    assert weights in whole
    path.write_bytes(whole.replace(weights, weights[:-1] + b"\x00"))
    assert not torch.equal(torch.load(path, weights_only=True)["weights"], CONTENT["weights"])
    with pytest.raises(DataCorrupt):
        load_checkpoint(path)


@pytest.mark.parametrize("write", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x))])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, write):
    target, path = tmp_path / "ran", tmp_path / "bad.pt"
    write({"weights": Bomb(target)}, path)
    with pytest.raises(DataCorrupt, match=r"bad\.pt"):
        load_checkpoint(path)
    assert not target.exists()
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(path.read_bytes())
    assert target.exists()  # the bomb was a real one


def test_fingerprint_depends_on_values_not_on_order():
    first = fingerprint({"alpha": 0.03, "epochs": 2}, fit)
    assert fingerprint({"epochs": 2, "alpha": 0.03}, fit) == first
    assert fingerprint({"epochs": 2, "alpha": 0.0}, fit) != first


@pytest.fixture
def code_file(tmp_path, monkeypatch):
    """Writes a module with a class and a function, and imports it."""

    def write(name):
        file = tmp_path / f"{name}.py"
        file.write_text(f"# {name}\nclass Net:\n    pass\n\n\ndef train():\n    pass\n")
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # where the file of a class is looked up
        spec.loader.exec_module(module)
        return file, module

    return write


def test_fingerprint_depends_on_the_files_of_the_given_code_alone(code_file):
    (model_file, model), (rule_file, rule) = code_file("some_model"), code_file("some_rule")
    other_file, other = code_file("something_else")
    first = fingerprint({}, rule.train, model.Net)
    assert fingerprint({}, rule.train, model.Net, model.train) == first  # each file once
    assert fingerprint({}, rule.train) != first != fingerprint({}, rule.train, other.Net)
    for file, seen in ((model_file, True), (rule_file, True), (other_file, False)):
        before = file.read_text()
        file.write_text(before + "x = 1\n")
        assert (fingerprint({}, rule.train, model.Net) != first) == seen
        file.write_text(before)
        assert fingerprint({}, rule.train, model.Net) == first


def test_fingerprint_always_depends_on_how_weights_and_batches_are_drawn(code_file, monkeypatch):
    _, rule = code_file("some_rule")
    first = fingerprint({}, rule.train)
    for name in ("build", "generator"):
        file, other = code_file(f"other_{name}")
        file.write_text(file.read_text() + "# drawn otherwise\n")
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, name, other.train)
            assert fingerprint({}, rule.train) != first
