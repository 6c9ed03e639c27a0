import pytest

from avser_cli.errors import OutputError
from avser_cli.inference.resume import ResumeState, resume_state

HEADER = ["file", "emotion", "model"]
HEAD = "file,emotion,model\n"


@pytest.fixture
def state(tmp_path):
    def read(content, format="csv", model="m@1", header=HEADER):
        out = tmp_path / "rows.csv"
        out.write_bytes(content.encode())
        return resume_state(out, format, header, model)

    return read


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_file_that_is_empty_or_not_there_holds_nothing(state, tmp_path, format):
    nothing = ResumeState(frozenset(), 0)
    assert state("", format) == nothing
    assert resume_state(tmp_path / "other", format, HEADER, "m@1") == nothing


def test_whole_rows_are_kept_and_the_file_left_as_it_is(state):
    content = HEAD + '"a,b.wav",sad,m@1\n"ü\n.wav",happy,m@1\n'
    assert state(content) == ResumeState(frozenset({"a,b.wav", "ü\n.wav"}), len(content) + 1)


@pytest.mark.parametrize("cut", [len(HEAD) - 1, 4])
def test_a_header_that_is_cut_is_written_anew(state, cut):
    assert state(HEAD[:cut]) == ResumeState(frozenset(), 0)


def test_of_a_cut_file_the_last_sound_goes_with_all_its_rows(state):
    rows = ["a.wav,sad,m@1\n", "b.wav,sad,m@1\n", "b.wav,happy,m@1\n", "b.wav,ha"]
    found = state(HEAD + "".join(rows))
    assert found == ResumeState(frozenset({"a.wav"}), len(HEAD + rows[0]))


@pytest.mark.parametrize(
    ("content", "format", "reason"),
    [
        ("file,model\na.wav,m@1\n", "csv", "other columns"),
        ("file,emotion,model\na.wav,sad,other@1\n", "csv", "answers of another model"),
        ('{"file": "a.wav", "model": "other@1"}\n', "jsonl", "answers of another model"),
        ('{"file": "a.wav", "start": 0.0, "model": "m@1"}\n', "jsonl", "other columns"),
        ("notes\n", "jsonl", "no answers"),
        ("notes without an end", "csv", "other columns"),
    ],
)
def test_what_else_is_there_is_refused(state, content, format, reason):
    with pytest.raises(OutputError, match=f"rows.csv: .*{reason}"):
        state(content, format)


@pytest.mark.parametrize("damage", ["\n", "b.wav,sad\n"])
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_rows_after_a_damaged_one_are_never_lost(state, format, damage):
    """They were cut off with it, as if a kill had cut the file there."""
    rows = {
        "csv": [f"{name}.wav,sad,m@1\n" for name in "ac"],
        "jsonl": [f'{{"file": "{name}.wav", "model": "m@1"}}\n' for name in "ac"],
    }[format]
    content = (HEAD if format == "csv" else "") + damage.join(rows)
    if damage == "\n":
        assert state(content, format) == ResumeState(frozenset({"a.wav", "c.wav"}), len(content))
        return
    line = 3 if format == "csv" else 2
    with pytest.raises(OutputError, match=rf"damaged \(line {line}\).*give another --out"):
        state(content, format)


def test_each_pipe_brings_another_sound(state):
    content = HEAD + "-,sad,m@1\na.wav,sad,m@1\n"
    assert state(content) == ResumeState(frozenset({"a.wav"}), len(content))
