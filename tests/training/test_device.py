"""What the parameter `device` means, with and without GPUs."""

import pytest
import torch

from lib.errors import BadInput
from lib.training import named_device


@pytest.fixture
def gpus(monkeypatch):
    """A machine on which PyTorch finds so many GPUs."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


@pytest.mark.parametrize(("count", "expected"), [(0, "cpu"), (1, "cuda"), (4, "cuda")])
def test_auto_takes_a_gpu_where_there_is_one(gpus, count, expected):
    gpus(count)
    assert named_device("auto") == expected


@pytest.mark.parametrize("word", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_names_stand_for_themselves(gpus, word):
    gpus(2)
    assert named_device(word) == word


@pytest.mark.parametrize("word", ["cuda", "cuda:0"])
def test_without_a_gpu_none_can_be_named(gpus, word):
    gpus(0)
    with pytest.raises(BadInput, match=f"a GPU that PyTorch finds; it was '{word}'"):
        named_device(word)


@pytest.mark.parametrize("word", ["", "gpu", "CUDA", "cuda:2", "cuda:-1", "cuda:x", "cuda0:"])
def test_other_words_are_refused(gpus, word):
    gpus(2)
    with pytest.raises(BadInput, match="device must be auto, cpu or cuda"):
        named_device(word)
