"""What every test of a figure needs."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from lib.figures import use_style


@pytest.fixture(autouse=True)
def canvas():
    """No window, the project's style, and everything put back afterwards."""
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")
    matplotlib.use(backend)
