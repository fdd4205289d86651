"""What holds of every chapter that is run: where its images come from, and two common mistakes."""

from typing import Any

import pytest
import torch

from lib import data, errors, parameters
from lib.data import ImageSet

CHAPTERS = [name for name in parameters.chapter_names() if not parameters.is_assembled(name)]
each = pytest.mark.parametrize("chapter", CHAPTERS)


@each
def test_images_are_asked_for_by_name_and_folder(
    chapter_cells, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def load(name: str, *, data_root: str | None, trust: bool) -> ImageSet:
        asked.append((name, data_root, trust))
        raise errors.DataMissing("Images asked for.")

    monkeypatch.setattr(data, "load", load)
    for values in ({}, {"dataset": "mnist", "data_root": "somewhere", "trust": True}):
        with pytest.raises(errors.DataMissing, match="asked for"):
            chapter_cells(chapter, **values)
    usual = parameters.declared(chapter)["dataset"].default
    assert asked == [(usual, None, False), ("mnist", "somewhere", True)]


@each
def test_an_unknown_set_is_told_in_words(chapter_cells, chapter: str) -> None:
    with pytest.raises(errors.UnknownName, match=r"known are mnist-5k, .*Did you mean 'mnist-5k'"):
        chapter_cells(chapter, dataset="mnist-6k")


@each
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_in_words(chapter_cells, chapter: str) -> None:
    with pytest.raises(errors.BadInput, match="cuda needs a GPU that PyTorch finds"):
        chapter_cells(chapter, device="cuda")
