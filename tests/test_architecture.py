"""Imports run one way, and heavy libraries stay where they are used."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "avser_cli"
ORDER = [
    "audio",
    "features",
    "data",
    "model",
    "inference",
    "evaluation",
    "training",
    "experiments",
    "report",
    "commands",
]
"""From what knows nothing of the others to what may use all."""
SHARED = {
    "__version__",
    "caches",
    "checksums",
    "csv_records",
    "errors",
    "files",
    "litert",
    "native_output",
    "shell",
    "cluster",
    "processes",
    "threads",
    "untrusted_input",
}
"""Modules beside the packages, which every package may use; they use one another alone."""
LEVELS = dict.fromkeys(SHARED, 0) | {name: level for level, name in enumerate(ORDER, start=1)}
TOP = len(LEVELS)
"""Of what is named nowhere above: the command and the Python API, which nothing else imports."""
TENSORFLOW = {"tensorflow", "keras"}
NEED_TENSORFLOW = {"avser_cli.model.backend", "avser_cli.model.networks"}


def imports(path):
    """The modules that a module imports; a name that is taken from one may be a module, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is relative"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules():
    """Each module and what it imports."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), set(imports(path))


def part(path):
    """The package of a module, or a module beside the packages."""
    return path.parts[0].removesuffix(".py")


def libraries(names):
    return {name.split(".")[0] for name in names}


def test_imports_run_one_way():
    for path, names in modules():
        for name in names:
            package, *inside = name.split(".")
            if package == "avser_cli" and inside:
                allowed = LEVELS.get(part(path), TOP)
                assert LEVELS.get(inside[0], TOP) <= allowed, f"{path} imports {name}"


def test_only_commands_and_report_know_the_terminal():
    for path, names in modules():
        if part(path) not in ("cli", "commands", "report"):
            assert not libraries(names) & {"rich", "typer"}, path


def test_tensorflow_is_imported_in_one_place():
    for path, names in modules():
        if path.as_posix() != "model/backend.py":
            assert not libraries(names) & TENSORFLOW, path


def test_tensorflow_stays_with_networks_and_training():
    for path, names in modules():
        if part(path) != "training" and path.as_posix() != "model/networks.py":
            assert not names & NEED_TENSORFLOW, path


PLACE = {"read_text": 0, "write_text": 1, "open": 2}
"""Where the encoding stands among the arguments of methods of paths."""


def names_its_encoding(call):
    """Whether a call opens a file as bytes, or as text of an encoding that it names."""
    given = [x.value for x in call.args if isinstance(x, ast.Constant)]
    if call.func.attr == "open" and any(isinstance(x, str) and "b" in x for x in given):
        return True
    named = "encoding" in {keyword.arg for keyword in call.keywords}
    return named or len(call.args) > PLACE[call.func.attr]


def test_text_files_are_not_in_the_systems_encoding():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in PLACE and owner not in ("os", "av", "Image", "file"):
                    assert names_its_encoding(node), f"{path}:{node.lineno}"


TESTED_ELSEWHERE = {
    "commands/classify_parts": "commands/test_classify.py",
    "commands/classify_recordings": "commands/test_classify.py",
    "commands/classify_run": "commands/test_classify.py",
    "commands/listing": "commands/test_classify.py",
    "audio/part_of_file": "audio/test_stated_sizes.py",
    "audio/soundfile_reader": "a reader behind decoding: audio/test_decoding.py",
    "audio/streams": "audio/test_sample_arrays.py",
    "commands/picture_options": "commands/test_spectrogram.py",
    "commands/sound_options": "commands/test_spectrogram.py, commands/test_classify.py",
    "commands/cluster_options": "an option: commands/test_classify.py and others",
    "commands/training_target": "commands/test_train.py, commands/test_train_from.py",
    "commands/speakers": "commands/test_classify.py",
    "data/manifest": "written by spectrogram: commands/test_spectrogram.py",
    "errors": "exit codes, without a decision of its own: test_cli.py and commands/",
    "experiments/comparison": "report/test_comparison_tables.py, commands/test_compare.py",
    "experiments/published": "the paper's numbers: experiments/test_candidates.py",
    "inference/predictions": "records: report/test_result_writer.py",
    "model/tflite": "training/test_trainer.py holds it against Keras",
    "litert": "the runtime of all networks: audio/test_silero.py, training/test_trainer.py",
    "native_output": "silence of libraries: commands/test_train.py",
    "report/corpora_table": "commands/test_train.py",
    "report/console": "report/test_tables.py",
    "report/explanation_figure": "commands/test_classify.py",
    "training/adaptation_config": "training/test_adaptation.py, commands/test_train_from.py",
    "training/export": "training/test_trainer.py",
    "training/history": "a record: training/test_trainer.py",
    "training/mlp": "model/test_mlp.py",
    "untrusted_input": "test_malicious_bundles.py, test_malformed_input.py",
}
"""Modules without a test module of their own, and what tests them."""


def test_every_module_has_its_test_module_or_a_reason():
    tests = REPOSITORY / "tests"
    without = {
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for path in PACKAGE.rglob("*.py")
        if not path.name.startswith("__")
        and not (tests / path.relative_to(PACKAGE).with_name(f"test_{path.name}")).exists()
    }
    assert without == set(TESTED_ELSEWHERE)


HEAVY = {"tensorflow", "keras", "numba", "librosa", "sklearn", "matplotlib", "scipy", "pydantic"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["spectrogram", "--help"],
        ["train", "--help"],
        ["spectrogram", "{corpus}", "{out}"],
        ["classify", "{voice}"],
    ],
    ids=" ".join,
)
def test_quick_commands_import_nothing_heavy(arguments, corpus, tmp_path):
    places = {
        "corpus": str(corpus / "Actor_01"),
        "out": str(tmp_path / "png"),
        "voice": str(REPOSITORY / "examples" / "voice.wav"),
    }
    arguments = [argument.format(**places) for argument in arguments]
    code = (
        "import sys\n"
        f"sys.argv = ['avser', *{arguments!r}]\n"
        "from avser_cli.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    print('MODULES', *sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rsplit("MODULES", 1)[1].split())
    assert not loaded & HEAVY
