"""A chapter's parameters: found with their comments, and held to their kind before a run."""

from pathlib import Path

import pytest

from lib.errors import BadInput, UnknownName
from lib.run import parameters
from lib.run.yaml_files import read_yaml_file

CHAPTERS = parameters.chapter_names()


def test_declared_values_and_comments(tiny: Path) -> None:
    found = parameters.declared("tiny")
    assert {name: p.default for name, p in found.items()} == {
        "profile": "custom",
        "data_root": "",
        "digit": 3,
        "rate": 0.001,
        "quiet": False,
        "seeds": [0],
        "behave": "well",
    }
    assert found["rate"].comment == "a number with a point"


def test_every_parameter_of_every_chapter_is_explained() -> None:
    for chapter in CHAPTERS:
        found = parameters.declared(chapter)
        assert [name for name, parameter in found.items() if len(parameter.comment) < 5] == []


def test_profiles_set_only_what_chapters_have() -> None:
    for chapter in CHAPTERS:
        for profile in parameters.profile_names():
            parameters.check(chapter, parameters.profile(profile, chapter))


def test_profiles_name_only_chapters() -> None:
    assert parameters.profile_names() == ["full", "paper", "quick", "smoke"]
    for path in parameters.PROFILES.glob("*.yml"):
        assert set(read_yaml_file(path)) <= set(CHAPTERS)


def test_unknown_names_are_answered_with_the_known_ones(tiny: Path) -> None:
    with pytest.raises(UnknownName, match=r"'tinny'; known are tiny\. Did you mean 'tiny'"):
        parameters.declared("tinny")
    with pytest.raises(UnknownName, match=r"'smok'; known are full, smoke\. Did you mean 'smoke'"):
        parameters.profile("smok", "tiny")
    with pytest.raises(UnknownName, match=r"no parameter 'seed'\. Did you mean 'seeds'"):
        parameters.check("tiny", {"seed": [1]})


def test_values_of_another_kind_are_refused(tiny: Path) -> None:
    for name, value in [
        ("digit", "3"),
        ("digit", 3.5),
        ("digit", True),  # to Python a bool is an int
        ("digit", None),
        ("rate", "fast"),
        ("rate", True),
        ("quiet", 1),
        ("seeds", 0),
        ("behave", 3),
    ]:
        with pytest.raises(
            BadInput, match=f"Parameter {name} of chapter tiny takes a value such as"
        ):
            parameters.check("tiny", {name: value})


def test_text_from_the_command_line(tiny: Path) -> None:
    folder = "/x #1/it's: [y"
    given = {
        "seeds": "[010, 3]",
        "rate": "1e-3",
        "quiet": "true",
        "data_root": folder,
        "digit": "7",
    }
    found = parameters.parse("tiny", given)
    wanted = {"seeds": [10, 3], "rate": 0.001, "quiet": True, "data_root": folder, "digit": 7}
    assert found == wanted
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in wanted.items()}
    assert parameters.parse("tiny", {"behave": "1e-3", "digit": "12:30:45", "quiet": "yes"}) == {
        "behave": "1e-3",
        "digit": "12:30:45",
        "quiet": "yes",
    }


def test_broken_yaml(tiny: Path) -> None:
    with pytest.raises(BadInput, match=r"The value '\[0, 3' of seeds cannot be read: "):
        parameters.parse("tiny", {"seeds": "[0, 3"})
    with pytest.raises(BadInput, match=r"cannot be read: month must be in 1\.\.12"):
        parameters.parse("tiny", {"digit": "2001-13-45"})


def test_a_profile_that_is_not_utf_8_is_told_by_its_name(tiny: Path) -> None:
    (tiny / "profiles/smoke.yml").write_bytes("# ä".encode("latin-1"))
    with pytest.raises(BadInput, match=r"smoke\.yml cannot be read: it is not encoded as UTF-8\."):
        parameters.profile("smoke", "tiny")


def test_a_cell_of_parameters_must_be_one_and_plain(tiny: Path) -> None:
    (tiny / "tiny.py").write_text("# %%\ndigit = 3  # not tagged\n")
    with pytest.raises(BadInput, match="one cell tagged 'parameters'"):
        parameters.declared("tiny")
    (tiny / "tiny.py").write_text('# %% tags=["parameters"]\ndigit = int("3")  # computed\n')
    with pytest.raises(BadInput, match="Parameters of chapter tiny need plain values"):
        parameters.declared("tiny")


def test_book_chapters_are_those_that_can_run(tiny: Path, tmp_path: Path) -> None:
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "root: chapters/index\n"
        "parts: [{chapters: [{file: chapters/about}, {file: chapters/tiny}]}]\n"
    )
    assert parameters.book_chapters(toc) == ["tiny"]
    assert not parameters.is_assembled("tiny")
    text = (tiny / "tiny.py").read_text()
    header = "# jupyter:\n#   companion:\n#     assembled: true\n"
    (tiny / "tiny.py").write_text(text.replace("# jupyter:\n", header))
    assert parameters.is_assembled("tiny")


def test_changed_settings_stand_under_their_keys(tiny: Path) -> None:
    keys = {"rate": "lr"}
    own = {name: p.default for name, p in parameters.declared("tiny").items()}
    assert parameters.changed("tiny", own | {"profile": "full"}, keys) == {}
    assert parameters.changed("tiny", own | {"profile": "full", "rate": 9.0}, keys) == {"lr": 9.0}
    smoke = own | {"profile": "smoke"}  # which sets another rate than the default
    assert parameters.changed("tiny", smoke, keys) == {"lr": own["rate"]}
    assert parameters.changed("tiny", smoke | {"rate": 0.002}, keys) == {}


def test_own_values_are_those_of_the_profile_or_the_defaults(tiny: Path) -> None:
    defaults = {name: p.default for name, p in parameters.declared("tiny").items()}
    assert parameters.own_values("tiny", "smoke") == defaults | {"rate": 0.002}
    assert parameters.own_values("tiny", "full") == defaults  # it sets nothing
    assert parameters.own_values("tiny", "custom") == defaults  # no profile of that name
