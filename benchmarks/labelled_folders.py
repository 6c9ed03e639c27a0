"""Labelled clips of published corpora, for benchmarks."""

from __future__ import annotations

from pathlib import Path

from avser_cli.audio.folder import find_sounds
from avser_cli.data.clip import Clip
from avser_cli.data.corpus_folder import read_corpus, recognize_folder
from avser_cli.errors import CorpusError


def corpus_clips(folder: Path) -> list[Clip]:
    """The labelled clips of a folder whose names or tables tell which corpus it is."""
    files = find_sounds(folder)
    corpus = recognize_folder(folder, files)
    if corpus is None:
        raise CorpusError(f"{folder}: no corpus that is known by its names")
    return list(read_corpus(corpus, folder, files).clips)
