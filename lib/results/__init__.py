"""Result rows, their provenance, the documents' numbers, and verdicts on the claims."""

from lib.results.agreement import agreement_lines
from lib.results.averages import CLASSES, with_averages
from lib.results.boards import Boards, boards, judged
from lib.results.chapter_run import ChapterRun, read_chapter_run
from lib.results.claims import Claim, claim_from, load_claims, published_text
from lib.results.expected import (
    Expected,
    check_line,
    check_lines,
    expectations,
    load_expected,
    write_expected,
)
from lib.results.files import write_whole
from lib.results.latents import Latents, read_latents, write_latents
from lib.results.provenance import (
    RUN_COLUMNS,
    merge_runs,
    provenance,
    read_runs,
    run_parameters,
    run_words,
    runs_frame,
    write_runs,
)
from lib.results.published import PUBLISHED_COLUMNS, published
from lib.results.reference import reference_rows, reference_runs
from lib.results.rows import (
    COLUMNS,
    frame,
    merge,
    read_rows,
    row,
    without_known,
    write_rows,
)
from lib.results.select import collector, pick
from lib.results.sources import (
    BUILD,
    Sources,
    chosen,
    mean_of,
    mean_words,
    over_sets,
    place_words,
    pooled_rate,
    rate_words,
    sources_of,
    three_columns,
)
from lib.results.tables import (
    compared,
    interval_text,
    join_published,
    mean_text,
    page_table,
    three_numbers,
)
from lib.results.variants import VARIANT_KEYS, parse_variant, variant
from lib.results.verdicts import (
    VERDICTS,
    Verdict,
    evaluate,
    measured_text,
    verdict,
    verdict_counts,
    verdict_table,
)

__all__ = [
    "BUILD",
    "CLASSES",
    "COLUMNS",
    "PUBLISHED_COLUMNS",
    "RUN_COLUMNS",
    "VARIANT_KEYS",
    "VERDICTS",
    "Boards",
    "ChapterRun",
    "Claim",
    "Expected",
    "Latents",
    "Sources",
    "Verdict",
    "agreement_lines",
    "boards",
    "check_line",
    "check_lines",
    "chosen",
    "claim_from",
    "collector",
    "compared",
    "evaluate",
    "expectations",
    "frame",
    "interval_text",
    "join_published",
    "judged",
    "load_claims",
    "load_expected",
    "mean_of",
    "mean_text",
    "mean_words",
    "measured_text",
    "merge",
    "merge_runs",
    "over_sets",
    "page_table",
    "parse_variant",
    "pick",
    "place_words",
    "pooled_rate",
    "provenance",
    "published",
    "published_text",
    "rate_words",
    "read_chapter_run",
    "read_latents",
    "read_rows",
    "read_runs",
    "reference_rows",
    "reference_runs",
    "row",
    "run_parameters",
    "run_words",
    "runs_frame",
    "sources_of",
    "three_columns",
    "three_numbers",
    "variant",
    "verdict",
    "verdict_counts",
    "verdict_table",
    "with_averages",
    "without_known",
    "write_expected",
    "write_latents",
    "write_rows",
    "write_runs",
    "write_whole",
]
