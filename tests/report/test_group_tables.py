from avser_cli.evaluation.group_scores import GroupScores
from avser_cli.report.group_tables import (
    MOST_SPEAKERS,
    groups_table,
    speakers_table,
    worst_words,
)


def group(by, name, uar, clips=20):
    return GroupScores(by, name, clips, 4, uar, uar)


def test_groups_that_are_the_whole_are_not_shown():
    groups = [group("corpus", "emodb", 0.6), group("language", "de", 0.6)]
    assert groups_table(groups) is None
    table = groups_table([*groups, group("sex", "female", 0.7), group("sex", "male", 0.5)])
    assert table is not None
    assert [row[:4] for row in table.rows] == [
        ("sex", "female", "20", "0.70"),
        ("sex", "male", "20", "0.50"),
    ]


def test_the_worst_speakers_come_first_with_and_without_reference():
    groups = [group("speaker", f"s{number}", number / 100) for number in range(40, 0, -1)]
    normalized = [group("speaker", x.name, x.uar + 0.1) for x in groups]
    table = speakers_table(groups, normalized)
    assert table is not None
    assert table.head == ("speaker", "clips", "emotions", "accuracy", "UAR", "with reference")
    assert table.rows[0] == ("s1", "20", "4", "0.01", "0.01", "0.11")
    assert len(table.rows) == MOST_SPEAKERS
    assert "of 40 speakers" in table.note
    elsewhere = speakers_table(groups, all_in="x.json")
    assert elsewhere is not None and elsewhere.note.endswith("; x.json has all")
    plain = speakers_table(groups[:2])
    assert plain is not None
    assert (plain.head[-1], plain.note) == ("UAR", "")
    assert speakers_table(groups[:1]) is None


def test_names_stay_on_their_line():
    groups = [group("speaker", name, 0.5) for name in ("an\nna", "\x1b[31mben")]
    table = speakers_table(groups)
    assert table is not None
    assert [row[0] for row in table.rows] == [r"an\nna", r"\x1b[31mben"]
    assert worst_words(groups).splitlines() == [worst_words(groups)]


def test_the_worst_group_is_named_with_its_size():
    groups = [group("sex", "female", 0.7), group("sex", "male", 0.5, clips=12)]
    assert worst_words(groups) == "lowest UAR: sex male 0.50 (12 clips of 4 emotions)"
    assert worst_words(groups[:1]) == ""
