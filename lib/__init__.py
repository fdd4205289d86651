"""Models, scores, metrics and protocols behind the image anomaly detection companion."""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("parameters", "workspace"):  # moved to lib.run; until all import them from there
        return importlib.import_module(f"lib.run.{name}")
    raise AttributeError(name)
