"""Where the project's own files stand, however the package was started."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
PROFILES = CHAPTERS / "profiles"
RESULTS = ROOT / "results"
