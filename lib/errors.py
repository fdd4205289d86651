"""Errors that a reader can act on: each message is one plain sentence."""

import difflib
from collections.abc import Iterable


class CompanionError(Exception):
    """Base of every error raised on purpose by this package."""


class UnknownName(CompanionError, ValueError):
    """A data set, chapter, parameter, score or profile that does not exist."""


class BadInput(CompanionError, ValueError):
    """A value of the right kind that makes no sense where it was given."""


class DataMissing(CompanionError, FileNotFoundError):
    """Images that are neither on disk nor allowed or able to be downloaded."""


class DataCorrupt(CompanionError, ValueError):
    """Images whose content hash is not one that the package knows."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The ending ` Did you mean 'x'?` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
