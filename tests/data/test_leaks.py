from dataclasses import replace

import pytest

from avser_cli.data.leaks import find_leaks, without_copies
from avser_cli.data.splits import Split, SplitSettings, split_clips
from avser_cli.errors import CorpusError
from tests.data.made_clips import own_clips, ravdess_clips
from tests.synthetic import ravdess_clip, ravdess_name


def test_leaks_are_found():
    clips = ravdess_clips(actors=(1, 2))
    by_actor = SplitSettings("speaker", fold=1)
    names = [clip.key for clip in clips]
    planted = replace(clips[-1], samples_sha256=clips[0].samples_sha256)
    split = Split(by_actor, {names[0]: "", names[-2]: ""}, dict.fromkeys((names[1], names[-1]), ""))
    kinds = {leak.kind for leak in find_leaks([*clips[:-1], planted], split)}
    assert kinds == {"samples", "speaker"}


def test_a_re_encoded_copy_is_a_leak_and_an_exact_one_is_named_once():
    clips = [replace(clip, duplicate_group="one") for clip in ravdess_clips(actors=(1,))[:3]]
    exact = replace(clips[2], samples_sha256=clips[0].samples_sha256)
    one, two, three = (clip.key for clip in clips)
    split = Split(SplitSettings(), {one: ""}, {two: "", three: ""})
    leaks = find_leaks([*clips[:2], exact], split)
    assert [(leak.kind, leak.held_out) for leak in leaks] == [
        ("samples", three),
        ("sound (re-encoded)", two),
    ]


def test_overlapping_parts_of_one_file_are_a_leak_and_equal_ones_are_named_once():
    parts = ((0.0, 1.0), (0.5, 1.5), (1.5, 2.5), (0.0, 1.0))
    clips = [
        replace(clip, path=clip.path.with_name("long.wav"), start=start, end=end)
        for clip, (start, end) in zip(own_clips(4), parts, strict=True)
    ]
    clips[3] = replace(clips[3], samples_sha256=clips[0].samples_sha256)
    first, second, apart, equal = (clip.key for clip in clips)
    split = Split(SplitSettings(), {first: ""}, {second: "", apart: "", equal: ""})
    leaks = find_leaks(clips, split)
    assert [(leak.kind, leak.held_out) for leak in leaks] == [("part", second), ("samples", equal)]
    assert str(leaks[0]) == (
        f"overlapping parts of one file: {first} (trained on) and {second} (held out)"
    )


@pytest.mark.parametrize("kind", ["speaker", "text", "corpus"])
def test_a_part_is_named_beside_the_speaker_text_or_corpus_that_it_shares(kind):
    one, other = (replace(clip, end=2.0) for clip in own_clips(2, speakers=1, texts=1))
    other = replace(other, path=one.path)
    leaks = find_leaks([one, other], Split(SplitSettings(kind), {one.key: ""}, {other.key: ""}))
    pair = f"{one.key} (trained on) and {other.key} (held out)"
    assert sorted(map(str, leaks)) == sorted(
        [f"overlapping parts of one file: {pair}", f"same {kind}: {pair}"]
    )


def test_training_parts_that_overlap_held_out_ones_are_dropped_where_asked():
    clips = own_clips(48)
    clips[0], clips[1] = (
        replace(clip, path=clip.path.with_name("long.wav"), end=2.0) for clip in clips[:2]
    )
    split = split_clips(clips, SplitSettings("speaker", fold=1))
    left = without_copies(clips, split)
    assert set(split.train) - set(left.train) == {clips[1].key}
    assert left.test == split.test and find_leaks(clips, left) == []


def test_the_same_take_under_two_names_is_a_leak():
    one = ravdess_clip(ravdess_name("sad"))
    other = replace(one, key="renamed", samples_sha256="other")
    leaks = find_leaks([one, other], Split(SplitSettings(), {one.key: ""}, {"renamed": ""}))
    assert [leak.kind for leak in leaks] == ["take"]
    assert one.key in str(leaks[0])


def test_same_statement_is_a_leak_of_the_statement_split():
    clips = ravdess_clips(actors=(1,))
    split = Split(SplitSettings("text"), {clips[0].key: ""}, {clips[1].key: ""})
    assert [leak.kind for leak in find_leaks(clips, split)] == ["text"]


def test_copies_of_held_out_clips_are_dropped_from_training_where_asked():
    clips = own_clips(48)
    clips[1] = replace(clips[1], duplicate_group=clips[0].sound)
    split = split_clips(clips, SplitSettings("speaker", fold=1))
    assert [leak.kind for leak in find_leaks(clips, split)] == ["sound (re-encoded)"]
    left = without_copies(clips, split)
    assert set(split.train) - set(left.train) == {clips[1].key}
    assert left.test == split.test and find_leaks(clips, left) == []
    all_copies = [replace(clip, duplicate_group="one") for clip in clips]
    with pytest.raises(CorpusError, match="0 clips to train on"):
        without_copies(all_copies, split)
