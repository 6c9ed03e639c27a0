from pathlib import Path

from avser_cli.commands.options import NAMED_FILES, report_skipped
from avser_cli.data.clip import SkippedFile


def test_many_files_for_one_reason_are_counted(capsys):
    report_skipped(
        [
            *(SkippedFile(Path(f"{n}.wav"), f"line {n}: no such file") for n in range(100_000)),
            *(SkippedFile(Path(f"{n}.ogg"), "empty") for n in range(NAMED_FILES + 2)),
            SkippedFile(Path("odd.wav"), "0.05 s of sound is too short"),
        ]
    )
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "left out: 0.wav: line 0: no such file"
    assert lines[-3:] == [
        "left out: odd.wav: 0.05 s of sound is too short",
        "left out: 99995 more files: line …: no such file",
        "left out: 2 more files: empty",
    ]
    assert len(lines) == 2 * NAMED_FILES + 3
