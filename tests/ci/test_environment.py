"""One list of packages, said three times: pyproject.toml, environment.yml, constraints.txt."""

import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lib.paths import ROOT

Ranges = dict[str, SpecifierSet]

PYPI_NAMES = {"pytorch": "torch", "playwright-python": "playwright"}  # conda-forge name: PyPI name


def ranges(lines: list[str]) -> Ranges:
    """Allowed versions by PyPI name."""
    found: Ranges = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        found[PYPI_NAMES.get(name, name)] = requirement.specifier
    return found


def from_pyproject() -> Ranges:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = tables["project"], tables["dependency-groups"]
    lines = [*project["dependencies"], *groups["book"], *groups["test"]]
    return ranges([*lines, f"python{project['requires-python']}"])


def from_environment() -> Ranges:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [
        line for entry in entries for line in ([entry] if isinstance(entry, str) else entry["pip"])
    ]
    found = ranges(lines)
    del found["pip"]  # only there to install the packages that conda-forge lacks
    return found


def differences(expected: Ranges, found: Ranges) -> list[str]:
    """One line per package that only one side has, or that the sides range differently."""
    return [
        f"{name}: {expected.get(name)} here, {found.get(name)} there"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]


def out_of_range(allowed: Ranges, pinned: Ranges) -> list[str]:
    """One line per package without one exact pin, or with a pin that its range forbids."""
    problems = []
    for name, specifier in allowed.items():
        pins = [pin for pin in pinned.get(name, SpecifierSet()) if pin.operator == "=="]
        if len(pins) != 1:
            problems.append(f"{name}: not pinned")
        elif pins[0].version not in specifier:
            problems.append(f"{name}: {pins[0].version} is not in {specifier}")
    return problems


def test_conda_and_pip_users_get_the_same_ranges() -> None:
    assert differences(from_pyproject(), from_environment()) == []


def test_planted_differences_are_seen_and_spelling_does_not_matter() -> None:
    here = ranges(["torch>=2.6,<3", "My_Package>=1"])
    assert differences(here, ranges(["torch<3,>=2.6", "my-package>=1"])) == []
    assert differences(here, ranges(["torch>=2.5,<3", "scipy"])) == [
        "my-package: >=1 here, None there",
        "scipy: None here,  there",
        "torch: <3,>=2.6 here, <3,>=2.5 there",
    ]


def test_tested_versions_lie_in_their_ranges() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("#")[0].strip() for line in lines]  # pip allows comments after a pin
    pinned = ranges([pin for pin in pins if pin])
    allowed = from_pyproject()
    del allowed["python"]  # the interpreter is the user's
    assert out_of_range(allowed, pinned) == []


def test_a_wrong_pin_is_seen() -> None:
    for pins, problem in (
        (["torch==3.0"], "torch: 3.0 is not in"),
        (["torch>=2.6"], "torch: not pinned"),
        ([], "torch: not pinned"),
    ):
        assert out_of_range(ranges(["torch>=2.6,<3"]), ranges(pins))[0].startswith(problem)
