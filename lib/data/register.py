"""The register of image sets that the project has seen: a content hash has a version name."""

import csv
from functools import lru_cache
from pathlib import Path

REGISTER = Path(__file__).with_name("known_hashes.csv")


@lru_cache
def known_hashes() -> dict[tuple[str, str], str]:
    """Version name ("official", "recovered" or "embedded") by set name and SHA-256."""
    with REGISTER.open(encoding="utf-8", newline="") as file:
        return {(row["name"], row["sha256"]): row["version"] for row in csv.DictReader(file)}


def known_version(name: str, sha256: str) -> str | None:
    """Version name of this content, or None if the register does not have it."""
    return known_hashes().get((name, sha256))
