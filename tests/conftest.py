"""Golden notebooks are made from the chapters and their stored lines where nbval is to run them."""

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("nbval", False) or config.getoption("nbval_lax", False):
        from lib.run.golden import write_golden_notebooks

        write_golden_notebooks({Path(name).stem for name in config.args})
