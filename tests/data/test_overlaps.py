from dataclasses import replace
from pathlib import Path
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.overlaps import TOUCHING, overlap_chains, overlapping_pairs
from tests.data.made_clips import own_clips


def parts_of_a_file(*times, file=Path("long.wav")):
    return [
        replace(clip, path=file, start=start, end=end)
        for clip, (start, end) in zip(own_clips(len(times)), times, strict=True)
    ]


SPANS = st.lists(
    st.tuples(st.none() | st.integers(0, 20), st.none() | st.integers(1, 10)), max_size=12
)


@given(SPANS)
def test_each_clip_that_overlaps_another_one_is_found_and_no_other(drawn):
    clips = parts_of_a_file(*((start, length and (start or 0) + length) for start, length in drawn))
    overlapping = {
        one.key
        for one in clips
        for other in clips
        if one is not other
        and (one.start or 0) < (other.end or 99)
        and (other.start or 0) < (one.end or 99)
    }
    if any(x.start is not None or x.end is not None for x in clips):
        assert {clip.key for chain in overlap_chains(clips) for clip in chain} == overlapping
    for one in clips:
        others = [clip for clip in clips if clip is not one]
        found = overlapping_pairs([one], others)
        assert bool(found) == (one.key in overlapping) or one.start is one.end is None
        assert all(other is not one for _, other in found)


def test_parts_side_by_side_do_not_overlap_though_times_are_rounded():
    clips = parts_of_a_file((0, 0.1 + 0.2), (0.3, 1.0004), (1.0, 1.5), (1.5, None))
    assert overlap_chains(clips) == []
    assert overlapping_pairs(clips[::2], clips[1::2]) == []
    later = parts_of_a_file((0, 1 + 2 * TOUCHING), (1, 2))
    assert [len(chain) for chain in overlap_chains(later)] == [2]


def test_a_whole_file_overlaps_its_parts_under_any_name_of_its_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (whole,) = parts_of_a_file((None, None), file=tmp_path / "a.wav")
    part, other = own_clips(2, name="other")
    part = replace(part, path=tmp_path / "sub" / ".." / "a.wav", start=3.0)
    other = replace(other, path=tmp_path / "sub" / "a.wav", start=3.0)
    assert overlap_chains([whole, part, other]) == [[whole, part]]
    assert overlapping_pairs([whole, other], [part]) == [(whole, part)]


def test_whole_files_are_left_to_their_samples():
    assert overlap_chains(parts_of_a_file((None, None), (None, None))) == []


def test_many_parts_of_one_file_take_no_quadratic_time():
    clips = parts_of_a_file(*((n / 10, n / 10 + 1) for n in range(30_000)))
    begun = perf_counter()
    assert [len(chain) for chain in overlap_chains(clips)] == [30_000]
    assert len(overlapping_pairs(clips[::2], clips[1::2])) == 15_000
    assert perf_counter() - begun < 5
