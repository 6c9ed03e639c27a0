from pathlib import Path

from avser_cli.data.clip import Clip
from avser_cli.data.corpus_summary import CorpusSummary, summarize_corpora


def clip(corpus, speaker):
    return Clip("key", Path("x.wav"), corpus, "sad", speaker=speaker)


def test_corpora_are_counted_with_what_is_known_of_them():
    clips = [clip("mine", None), clip("emodb", "emodb:03"), clip("emodb", "emodb:03")]
    assert summarize_corpora(clips) == (
        CorpusSummary("emodb", "EMO-DB", 2, 1, ("de",), "CC BY 4.0"),
        CorpusSummary("mine", "mine", 1, 0),
    )
