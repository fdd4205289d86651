# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# Does a new run contradict the committed reference? `make accept` writes one executed copy per
# chapter; the GPU runner has nbval compare it with its own rows, in the folder COMPANION_ROWS.

# %% tags=["parameters"]
chapter = "gradcon"

# %%
import os
from pathlib import Path

from lib import results

reference = results.reference_rows(), results.reference_runs()
folder = os.environ.get("COMPANION_ROWS")
if folder:
    rows = results.with_averages(results.read_rows(Path(folder) / "rows.csv"))
    run = rows, results.read_runs(Path(folder) / "runs.csv")
else:
    run = reference
claims = [claim for claim in results.load_claims() if claim.id.startswith(f"{chapter}-")]

# %% tags=["nbval-check-output"]
for line in results.agreement_lines(claims, reference, run):
    print(line)
