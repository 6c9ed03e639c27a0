"""Known corpora: one TOML each says how its published names give the labels.

A pattern reads the end of the path below the corpus's folder, without the file's ending. Its named
groups are codes; tables of the TOML map them to labels. Where names say nothing, a table beside the
clips does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from avser_cli.data.clip import read_split
from avser_cli.errors import CorpusError, UsageError

GROUPS = frozenset({"speaker", "emotion", "sex", "text", "take", "channel", "intensity", "split"})
SEXES = ("female", "male")

_TABLE_KEYS = {"file", "delimiter", "audio", "emotion", "speaker", "sex", "text"}
_KEYS = {
    "name": str,
    "title": str,
    "languages": list,
    "licence": str,
    "citation": str,
    "url": str,
    "clips": int,
    "other_counts": list,
    "pattern": str,
    "form": str,
    "other_patterns": list,
    "emotions": dict,
    "emotion_numbers": dict,
    "sex": dict,
    "channels": dict,
    "intensities": dict,
    "texts": dict,
    "takes": dict,
    "near_misses": list,
    "speaker_count": int,
    "speakers": dict,
    "speaker_languages": dict,
    "speaker_names": dict,
    "folds": list,
    "text_period": int,
    "labels_identify": bool,
    "yields_to": str,
    "table": dict,
    "note": str,
}
_NEEDED = ("name", "title", "languages", "licence", "citation", "url", "clips", "pattern")


@dataclass(frozen=True)
class Corpus:
    """What is known of a published corpus.

    Attributes
    ----------
    name : str
        E.g. ``"crema-d"``, as in ``--data crema-d=./x``.
    title : str
    languages : tuple of str
        ISO 639-1 codes.
    licence, citation, url : str
    clips : int
        Clips in a full copy.
    other_counts : tuple of int
        Clips of other copies that are whole, e.g. of what is published by itself.
    pattern : re.Pattern
        Reads the end of a path without the file's ending; names are of `GROUPS`.
    other_patterns : tuple of re.Pattern
        Likewise, for layouts that are passed on besides the published one.
    form : re.Pattern or None
        Looser than the patterns: tells which code of a name, if one, is not the corpus's.
    emotions : Mapping
        Codes in the names to labels.
    emotion_numbers : Mapping
        Label to first and last number, where numbers stand for emotions.
    sex, channels, intensities, texts, takes : Mapping
        Codes in the names to values; where given, there are no others.
    near_misses : tuple of (re.Pattern, str)
        Names that are of the corpus, but no clips of it, and why.
    speakers : Mapping
        Speaker to ``"female"``, ``"male"`` or ``"unknown"``; where given, there are no others.
    speaker_languages : Mapping
        Speaker to language, where there are several; sentences are numbered in each.
    speaker_count : int
        As published, where `speakers` does not list them; else as many as it lists.
    speaker_names : Mapping
        Misspelt speakers to the right ones.
    folds : tuple of tuple of str
        Published test folds, as speakers.
    text_period : int or None
        Sentences are numbered through: text ``n`` is the same as ``n`` plus this.
    labels_identify : bool
        Clips of the same labels are one, whatever their files are called.
    yields_to : str or None
        The corpus that a folder is taken for where it fits both equally.
    table : Mapping
        Name, delimiter and columns of the table of labels, where names hold none.
    note : str
        What a user should know of how its labels are read; empty where nothing.
    """

    name: str
    title: str
    languages: tuple[str, ...]
    licence: str
    citation: str
    url: str
    clips: int
    pattern: re.Pattern[str]
    other_counts: tuple[int, ...] = ()
    other_patterns: tuple[re.Pattern[str], ...] = ()
    form: re.Pattern[str] | None = None
    emotions: Mapping[str, str] = field(default_factory=dict)
    emotion_numbers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    sex: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    intensities: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    near_misses: tuple[tuple[re.Pattern[str], str], ...] = ()
    speakers: Mapping[str, str] = field(default_factory=dict)
    speaker_languages: Mapping[str, str] = field(default_factory=dict)
    speaker_count: int = 0
    speaker_names: Mapping[str, str] = field(default_factory=dict)
    folds: tuple[tuple[str, ...], ...] = ()
    text_period: int | None = None
    labels_identify: bool = False
    yields_to: str | None = None
    table: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def labels(self, name: str) -> dict[str, str]:
        """Labels from a path below the corpus's folder, with ``/`` and without the file's ending.

        Raises
        ------
        ValueError
            The name is not of this corpus's form, or holds a code that the corpus does not have.
        """
        if reason := self.near_miss(name):
            raise ValueError(reason)
        match = self.match(name)
        read_right = match or (self.form and self.form.fullmatch(name))
        if read_right:
            codes = {group: code for group, code in read_right.groupdict().items() if code}
            labels = self.from_codes(codes)
            if match:
                return labels
        raise ValueError(f"name is not of {self.title}'s form")

    def has_form(self, name: str) -> bool:
        """Whether a path has the form of this corpus's names, be its codes known or not."""
        return self.match(name) is not None or self.near_miss(name) is not None

    def near_miss(self, name: str) -> str | None:
        """Why a path of the corpus is no clip of it; `None` where it may be one, or is of none."""
        return next((reason for form, reason in self.near_misses if form.fullmatch(name)), None)

    def match(self, name: str) -> re.Match[str] | None:
        """What the patterns read in a path, whether the codes are known or not."""
        found = (pattern.fullmatch(name) for pattern in (self.pattern, *self.other_patterns))
        return next((match for match in found if match is not None), None)

    def from_codes(self, codes: dict[str, str]) -> dict[str, str]:
        """Labels from codes by group, as `labels` finds them in a name, or a table of labels has.

        Raises
        ------
        ValueError
            The corpus does not have such a code.
        """
        labels = dict(codes)
        labels["emotion"] = self._emotion(codes.get("emotion", ""))
        for group, known in (
            ("sex", self.sex),
            ("channel", self.channels),
            ("intensity", self.intensities),
            ("text", self.texts),
            ("take", self.takes),
        ):
            if group in codes and known:
                labels[group] = _look_up(known, codes[group], group)
        if "speaker" in codes:
            speaker = self.speaker_names.get(codes["speaker"], codes["speaker"])
            labels["speaker"] = f"{self.name}:{speaker}"
            if self.speakers:
                sex = _look_up(self.speakers, speaker, "speaker")
                if sex in SEXES:
                    labels["sex"] = sex
        if "split" in labels:
            labels["split"] = read_split(labels["split"])
        if self.text_period and labels.get("text", "").isdecimal():
            labels["text"] = str((int(labels["text"]) - 1) % self.text_period + 1)
        if "text" in labels and self.speaker_languages:
            labels["text"] = f"{self.language_of(labels.get('speaker'))}-{labels['text']}"
        return labels

    def language_of(self, speaker: str | None) -> str:
        """Language of a speaker, named as in clips; those of the corpus where it is not known."""
        code = (speaker or "").removeprefix(f"{self.name}:")
        return self.speaker_languages.get(code) or " or ".join(self.languages)

    def _emotion(self, code: str) -> str:
        if not self.emotion_numbers:
            return _look_up(self.emotions, code, "emotion")
        for emotion, (first, last) in self.emotion_numbers.items():
            if first <= int(code) <= last:
                return emotion
        raise ValueError(f"unknown emotion, {code}")


def parse_corpus(text: str, origin: str) -> Corpus:
    """A corpus from the text of its TOML.

    Raises
    ------
    CorpusError
        The text is no TOML, or a key is missing, unknown or of the wrong type.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{origin}: {error}") from None
    for key, value in content.items():
        if key not in _KEYS:
            raise CorpusError(f"{origin}: unknown key {key!r}")
        if not isinstance(value, _KEYS[key]):
            raise CorpusError(f"{origin}: {key} must be of type {_KEYS[key].__name__}")
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise CorpusError(f"{origin}: {missing[0]} is missing")
    if not content.get("emotions") and not content.get("emotion_numbers"):
        raise CorpusError(f"{origin}: emotions are missing")
    if content.get("table") and set(content["table"]) != _TABLE_KEYS:
        raise CorpusError(f"{origin}: table needs {', '.join(sorted(_TABLE_KEYS))}")
    try:
        return _build(content)
    except (re.error, TypeError, ValueError) as error:
        raise CorpusError(f"{origin}: {error}") from None


def _build(content: dict[str, Any]) -> Corpus:
    texts = (content["pattern"], *content.get("other_patterns", ()))
    pattern, *others = patterns = [_path_ending(text) for text in texts]
    form = _path_ending(content["form"]) if "form" in content else None
    unknown = sorted(
        {group for one in (*patterns, *([form] if form else ())) for group in one.groupindex}
        - GROUPS
    )
    if unknown:
        raise ValueError(f"pattern has an unknown group, {unknown[0]}")
    if "table" not in content and not all("emotion" in one.groupindex for one in patterns):
        raise ValueError("pattern has no group emotion")
    numbers = {name: (int(first), int(last)) for name, (first, last) in
               content.get("emotion_numbers", {}).items()}  # fmt: skip
    speakers = {one: sex for sex, group in content.get("speakers", {}).items() for one in group}
    if set(speakers.values()) - {*SEXES, "unknown"}:
        raise ValueError("speakers are female, male or unknown")
    by_language = content.get("speaker_languages", {})
    language_of = {one: language for language, group in by_language.items() for one in group}
    if by_language and not (
        set(by_language) == set(content["languages"])
        and sorted(speakers) == sorted(x for group in by_language.values() for x in group)
    ):
        raise ValueError("speaker_languages must give each speaker one of the languages")
    folds = tuple(tuple(fold) for fold in content.get("folds", ()))
    if not speakers and "speaker_count" not in content:
        raise ValueError("speakers or speaker_count are missing")
    misses = tuple((_path_ending(form), str(why)) for form, why in content.get("near_misses", ()))
    return Corpus(
        **{
            **content,
            "languages": tuple(content["languages"]),
            "pattern": pattern,
            "form": form,
            "other_patterns": tuple(others),
            "emotion_numbers": numbers,
            "speakers": speakers,
            "speaker_languages": language_of,
            "speaker_count": content.get("speaker_count", len(speakers)),
            "folds": folds,
            "other_counts": tuple(int(count) for count in content.get("other_counts", ())),
            "near_misses": misses,
        }
    )


def _path_ending(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:.*/)?(?:{pattern})", re.ASCII)


@cache
def known_corpora() -> Mapping[str, Corpus]:
    """Every corpus that has a TOML here, by name."""
    files = [item for item in resources.files(__name__).iterdir() if item.name.endswith(".toml")]
    read = [parse_corpus(item.read_text(encoding="utf-8"), item.name) for item in files]
    return {corpus.name: corpus for corpus in sorted(read, key=lambda corpus: corpus.name)}


def find_corpus(name: str) -> Corpus:
    """The corpus of a name, in any case.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    corpora = known_corpora()
    if name.casefold() not in corpora:
        raise UsageError(f"unknown corpus {name!r}; known: {', '.join(corpora)}")
    return corpora[name.casefold()]


def _look_up(known: Mapping[str, str], code: str, what: str) -> str:
    value = known.get(code)
    if value is None:
        value = {key.casefold(): label for key, label in known.items()}.get(code.casefold())
    if value is None:
        raise ValueError(f"unknown {what}, {code}")
    return value
