"""Maps of ten thousand images and their comparison: seconds and memory, in a fresh process.

Not part of `make test`, since it wants two quiet cores: `make bench`.
"""

import json
import os
import subprocess
import sys
import textwrap
from typing import NamedTuple

import pytest

from lib.paths import ROOT

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory in /proc"),
]

IMAGES = 10_000  # the test images of MNIST
THREADS = 2
MOST_SECONDS = 60.0
MOST_MIB = 1024.0

# what is there before any map, the images and the network among it, does not count
SCRIPT = textwrap.dedent("""\
    import json
    import sys
    import time
    from pathlib import Path

    import torch

    from lib.metrics import correspondence
    from lib.models import LSAAutoencoder, build
    from lib.scores import error_map, saliency_map

    def peak():
        # ru_maxrss of a new process begins with the size of the one that started it; this does not
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

    n, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(n, 1, 28, 28, generator=generator)
    model = build(LSAAutoencoder, generator).to(memory_format=torch.channels_last).eval()
    before, start = peak(), time.perf_counter()
    saliency, error = saliency_map(model, x).numpy(), error_map(model, x).numpy()
    drawn = time.perf_counter()
    found = correspondence(saliency, error, ks=(5, 10))
    end = time.perf_counter()
    assert {len(values) for values in found.values()} == {n}
    told = {"maps": drawn - start, "comparison": end - drawn, "mib": peak() - before}
    print(json.dumps(told))
""")


class Cost(NamedTuple):
    """Seconds for the maps and for their comparison, and MiB by which the peak memory rose."""

    maps: float
    comparison: float
    mib: float


def measured(n: int, *, threads: int = THREADS) -> Cost:
    env = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-W", "error", "-c", SCRIPT, str(n), str(threads)]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Cost(**json.loads(done.stdout))


def test_maps_of_a_whole_test_set_take_a_minute_and_a_gibibyte_at_most() -> None:
    cost = measured(IMAGES)
    print(
        f"\n{IMAGES:,} images on {THREADS} threads: maps {cost.maps:.1f} s, "
        f"comparison {cost.comparison:.1f} s, peak memory + {cost.mib:.0f} MiB"
    )
    assert cost.maps + cost.comparison <= MOST_SECONDS
    assert cost.mib <= MOST_MIB
