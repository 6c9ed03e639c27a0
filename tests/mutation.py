"""Mutation testing of the modules that every number rests on, with cosmic-ray.

``python -m tests.mutation splits metrics`` breaks these modules in hundreds of small ways, in a
copy of the working tree, and runs their tests on each; without names it takes all, as many modules
at once as there are cores. It prints the rows of the table in docs/testing.md and a diff of each
mutant that no test noticed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = {
    "data/splits": ["data/test_splits.py", "data/test_folds.py"],
    "data/folds": ["data/test_folds.py", "data/test_splits.py"],
    "data/leaks": ["data/test_leaks.py"],
    "data/near_duplicates": ["data/test_near_duplicates.py"],
    "evaluation/metrics": ["evaluation/test_metrics.py"],
    "evaluation/bootstrap": ["evaluation/test_bootstrap.py", "experiments/test_significance.py"],
    "model/calibration": ["model/test_calibration.py"],
    "training/sampling": ["training/test_sampling.py"],
    "training/batches": ["training/test_batches.py"],
    "training/trainer": ["training/test_trainer.py"],
    "training/ensemble": ["training/test_ensemble.py"],
    "training/training_run": ["training/test_training_run.py"],
    "experiments/significance": ["experiments/test_significance.py"],
}
"""The leak checks are in ``data/leaks`` (what leaks) and ``training/training_run`` (refusal)."""
SKIPPED = [
    "core/ReplaceBinaryOperator_.*_(RShift|LShift|BitOr|BitAnd|BitXor)",
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/ReplaceComparisonOperator_.*_(Is|IsNot)",
    "core/RemoveDecorator",
]
"""Mutants that say little: bit operators on floats raise at once, unions stand in annotations that
nothing evaluates, `is` for `==` depends on which objects Python shares."""
SECONDS = 120.0
"""A mutant whose tests take longer hangs; it counts as killed, in a column of its own, too."""


def config(module: str) -> str:
    """cosmic-ray's settings for a module."""
    tests = " ".join(f"tests/{name}" for name in TESTS[module])
    # Hypothesis draws the same examples each time, so that a mutant is killed always or never.
    command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider -p tests.mutation_seed {tests}"
    return "\n".join(
        [
            "[cosmic-ray]",
            f'module-path = "avser_cli/{module}.py"',
            f"timeout = {SECONDS}",
            "excluded-modules = []",
            f"test-command = {json.dumps(command)}",
            "[cosmic-ray.distributor]",
            'name = "local"',
            "[cosmic-ray.filters.operators-filter]",
            f"exclude-operators = {json.dumps(SKIPPED)}",
        ]
    )


def mutate(module: str, tree: Path) -> tuple[int, int, list[str]]:
    """The mutants of a module, how many of them hung, and the diffs of those that survived."""

    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", *arguments], cwd=tree, check=True)

    (tree / "mutation.toml").write_text(config(module))
    run("cosmic_ray.cli", "baseline", "mutation.toml")
    run("cosmic_ray.cli", "init", "--force", "mutation.toml", "session.sqlite")
    run("cosmic_ray.tools.filters.operators_filter", "session.sqlite", "mutation.toml")
    run("cosmic_ray.cli", "exec", "mutation.toml", "session.sqlite")
    with use_db(tree / "session.sqlite", WorkDB.Mode.open) as session:
        results = [result for _, result in session.completed_work_items]
    counted = [result for result in results if result.worker_outcome != WorkerOutcome.SKIPPED]
    survived = [x.diff or "" for x in counted if x.test_outcome == TestOutcome.SURVIVED]
    hung = sum(result.output == "timeout" for result in counted)
    return len(counted), hung, survived


def measured(module: str) -> str:
    """The row of a module in the table, and the diffs of what survived; in a copy of its own."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", "docs")
        shutil.copytree(REPOSITORY, tree, ignore=left_out)
        mutants, hung, survived = mutate(module, tree)
    killed = mutants - len(survived)
    row = f"| {module} | {mutants} | {killed} | {hung} | {len(survived)} | {date.today()} |"
    return "\n".join([row, *survived])


def main(wanted: list[str]) -> None:
    known = {module.split("/")[1]: module for module in TESTS}
    if unknown := set(wanted) - set(known):
        sys.exit(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    chosen = [known[name] for name in wanted or known]
    # Each waits for processes of its own.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done in as_completed([threads.submit(measured, module) for module in chosen]):
            print(done.result(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
