import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus, known_corpora, parse_corpus
from avser_cli.data.corpus_folder import recognize
from avser_cli.errors import CorpusError, UsageError

PUBLISHED: dict[str, tuple[list[tuple[str, str, str, str | None]], str]] = {
    "ravdess": (
        [
            ("Actor_12/03-01-06-01-02-01-12", "fearful", "12", "female"),
            ("Actor_01/03-02-05-02-01-02-01", "angry", "01", "male"),
            ("03-01-01-01-01-01-24", "neutral", "24", "female"),
            ("audio_speech_actors_01-24/Actor_03/03-01-08-02-02-02-03", "surprised", "03", "male"),
            ("Actor_07/03-01-02-01-01-01-07", "calm", "07", "male"),
        ],
        "03-01-03-01-01-01-25",
    ),
    "crema-d": (
        [
            ("AudioWAV/1001_DFA_ANG_XX", "angry", "1001", "male"),
            ("AudioWAV/1002_IEO_HAP_HI", "happy", "1002", "female"),
            ("AudioWAV/1091_WSI_SAD_XX", "sad", "1091", "female"),
            ("AudioWAV/1040_ITH_SAD_X", "sad", "1040", "male"),
            ("1012_TAI_FEA_XX", "fearful", "1012", "female"),
        ],
        "AudioWAV/1092_DFA_ANG_XX",
    ),
    "tess": (
        [
            ("OAF_angry/OAF_back_angry", "angry", "OAF", "female"),
            ("YAF_happy/YAF_youth_happy", "happy", "YAF", "female"),
            ("OAF_Pleasant_surprise/OAF_bar_ps", "surprised", "OAF", "female"),
            ("OAF_neutral/OA_bite_neutral", "neutral", "OAF", "female"),
            ("YAF_fear/YAF_whip_fear", "fearful", "YAF", "female"),
        ],
        "OAF_angry/OAF_back_bored",
    ),
    "savee": (
        [
            ("DC/a01", "angry", "DC", "male"),
            ("JE/sa15", "sad", "JE", "male"),
            ("JK/su03", "surprised", "JK", "male"),
            ("ALL/KL_n30", "neutral", "KL", "male"),
            ("AudioData/DC/h07", "happy", "DC", "male"),
        ],
        "XX/a01",
    ),
    "emodb": (
        [
            ("wav/03a01Wa", "angry", "03", "male"),
            ("wav/16b10Td", "sad", "16", "female"),
            ("wav/08a07Ld", "bored", "08", "female"),
            ("wav/10a02Na", "neutral", "10", "male"),
            ("13b03Ed", "disgust", "13", "female"),
        ],
        "wav/04a01Wa",
    ),
    "emovo": (
        [
            ("f1/dis-f1-b1", "disgust", "f1", "female"),
            ("m2/gio-m2-d2", "happy", "m2", "male"),
            ("m3/neu-m3-n5", "neutral", "m3", "male"),
            ("EMOVO/f2/pau-f2-l4", "fearful", "f2", "female"),
            ("f3/tri-f3-b3", "sad", "f3", "female"),
        ],
        "f1/dis-f4-b1",
    ),
    "nemo": (
        [
            ("samples/EB0_anger_11", "angry", "EB0", "female"),
            ("samples/IC0_sadness_14", "sad", "IC0", "female"),
            ("samples/KD0_happiness_42", "happy", "KD0", "female"),
            ("samples/SM0_surprised_0", "surprised", "SM0", "male"),
            ("samples/WR0_neutral_89", "neutral", "WR0", "male"),
        ],
        "samples/EB0_boredom_11",
    ),
    "ased": (
        [
            ("01Neutral/n1-01-01-01-05", "neutral", "05", "female"),
            ("02Fear/f2-04-02-02-51", "fearful", "51", "male"),
            ("03Happy/h3-02-02-02-50", "happy", "50", "male"),
            ("04Sad/s4-02-01-01-03", "sad", "03", "female"),
            ("05Angry/a5-06-01-02-04", "angry", "04", "male"),
        ],
        "03Happy/h3-02-02-03-50",
    ),
    "kemotts": (
        [
            ("emotional-to-emotional/nea/wav/nea00001", "neutral", "nea", "female"),
            ("emotional-to-emotional/neo/wav/neo00100", "neutral", "neo", "male"),
            ("plain-to-emotional/ema/wav/ema00101", "happy", "ema", "female"),
            ("plain-to-emotional/emb/wav/emb00204", "sad", "emb", "female"),
            ("plain-to-emotional/emh/wav/emh00400", "angry", "emh", "male"),
        ],
        "plain-to-emotional/emh/wav/emh00401",
    ),
    "urdu": (
        [
            ("Angry/SM1_F12_A012", "angry", "SM1", "male"),
            ("Happy/SF1_F10_H010", "happy", "SF1", "female"),
            ("Neutral/SM20_F9_N013", "neutral", "SM20", "male"),
            ("Sad/SF10_F1_S01", "sad", "SF10", "female"),
            ("Sad/SM27_F3_S03", "sad", "SM27", "male"),
        ],
        "Sad/SX10_F1_S01",
    ),
    "turev-db": (
        [
            ("Sound Source/Angry/1157_kz_beste", "angry", "1157", None),
            ("Sound Source/Calm/1234_sk_algi", "calm", "1234", None),
            ("Sound Source/Angry/7895_kz_yanki", "angry", "7895", None),
            ("Angry/1984_kz_turev", "angry", "1984", None),
            ("Calm/1234_sk_beste", "calm", "1234", None),
        ],
        "Angry/157_kz_beste",
    ),
    "casia": (
        [
            ("liuchanhg/angry/201", "angry", "liuchanhg", "female"),
            ("wangzhe/fear/250", "fearful", "wangzhe", "male"),
            ("zhaoquanyin/happy/210", "happy", "zhaoquanyin", "female"),
            ("CASIA/ZhaoZuoxiang/neutral/233", "neutral", "zhaozuoxiang", "male"),
            ("wangzhe/surprise/222", "surprised", "wangzhe", "male"),
        ],
        "somebody/angry/201",
    ),
    "esd": (
        [
            ("0001/Neutral/0001_000001", "neutral", "0001", "female"),
            ("0011/Angry/train/0011_000371", "angry", "0011", "male"),
            ("0020/Surprise/0020_001750", "surprised", "0020", "male"),
            ("ESD/0015/Happy/evaluation/0015_000701", "happy", "0015", "female"),
            ("0010/Sad/test/0010_001080", "sad", "0010", "male"),
        ],
        "0021/Sad/0021_001080",
    ),
    "jl-corpus": (
        [
            ("JL(wav+txt)/female1_angry_10a_1", "angry", "female1", "female"),
            ("JL(wav+txt)/male2_excited_1b_2", "excited", "male2", "male"),
            ("female2_happy_15a_2", "happy", "female2", "female"),
            ("male1_sad_3b_1", "sad", "male1", "male"),
            ("male1_apologetic_7a_1", "apologetic", "male1", "male"),
        ],
        "female3_angry_10a_1",
    ),
    "emov-db": (
        [
            ("bea_Amused/amused_1-15_0001", "amused", "bea", "female"),
            ("jenie_Anger/anger_29-56_0030", "angry", "jenie", "female"),
            ("josh/Neutral/neutral_1-28_0002", "neutral", "josh", "male"),
            ("sam_Sleepy/sleepiness_57-84_0060", "sleepy", "sam", "male"),
            ("sam/Disgusted/disgust_1-28_0028", "disgust", "sam", "male"),
        ],
        "tom_Amused/amused_1-15_0001",
    ),
    "cafe": (
        [
            ("Colère/Faible/01-C-1-1", "angry", "01", "male"),
            ("Dégoût/Fort/02-D-2-6", "disgust", "02", "female"),
            ("Neutre/12-N-1-3", "neutral", "12", "female"),
            ("Joie/Fort/07-J-2-2", "happy", "07", "male"),
            ("Tristesse/Faible/10-T-1-5", "sad", "10", "female"),
        ],
        "Joie/Fort/13-J-2-2",
    ),
    "subesco": (
        [
            ("F_01_OISHI_S_10_ANGRY_1", "angry", "F_01", "female"),
            ("F_02_MONIKA_S_1_NEUTRAL_5", "neutral", "F_02", "female"),
            ("SUBESCO/F_01_OISHI_S_10_FEAR_4", "fearful", "F_01", "female"),
            ("F_01_OISHI_S_1_DISGUST_3", "disgust", "F_01", "female"),
            ("F_01_OISHI_S_10_SURPRISE_2", "surprised", "F_01", "female"),
        ],
        "X_01_OISHI_S_10_ANGRY_1",
    ),
    "mesd": (
        [
            ("Anger_C_A_abajo", "angry", "C", None),
            ("Disgust_F_B_adelante", "disgust", "F", "female"),
            ("Fear_M_A_arriba", "fearful", "M", "male"),
            ("MESD/Happiness_M_B_bueno", "happy", "M", "male"),
            ("Sadness_C_B_basta", "sad", "C", None),
        ],
        "Anger_X_A_abajo",
    ),
    "aesdd": (
        [
            ("anger/a01 (1)", "angry", "1", None),
            ("disgust/d20 (5)", "disgust", "5", None),
            ("fear/f03 (2)", "fearful", "2", None),
            ("happiness/h11 (3)", "happy", "3", None),
            ("sadness/s05 (4)", "sad", "4", None),
        ],
        "anger/a01",
    ),
    "shemo": (
        [
            ("female/F01A01", "angry", "F01", "female"),
            ("male/M10N21", "neutral", "M10", "male"),
            ("F03W05", "surprised", "F03", "female"),
            ("M25H01", "happy", "M25", "male"),
            ("F28S02", "sad", "F28", "female"),
        ],
        "female/F01B01",
    ),
    "banglaser": (
        [
            ("Actor_01/03-01-01-01-01-01-01", "happy", "01", "male"),
            ("Actor_26/03-01-02-01-02-03-26", "sad", "26", "female"),
            ("Actor_34/03-01-03-02-03-01-34", "angry", "34", "female"),
            ("03-01-04-02-01-02-17", "surprised", "17", "male"),
            ("03-01-05-01-03-03-30", "neutral", "30", "female"),
        ],
        "Actor_01/03-01-06-01-01-01-01",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_names(name):
    corpus = find_corpus(name)
    names, foreign = PUBLISHED[name]
    assert len(names) == 5
    for path, emotion, speaker, sex in names:
        labels = corpus.labels(path)
        assert (labels["emotion"], labels.get("sex")) == (emotion, sex), path
        assert labels["speaker"] == f"{name}:{speaker}"
    with pytest.raises(ValueError):
        corpus.labels(foreign)


@pytest.mark.parametrize(
    ("name", "path", "emotion", "speaker"),
    [
        ("aesdd", "disgust/d03 (01)", "disgust", "1"),
        ("aesdd", "fear/f10 (6)", "fearful", "6"),
        ("subesco", "F_02_MONIKA_S_2_SURPRISE_3]", "surprised", "F_02"),
        ("emov-db", "EMOV/bea/anger_1-28_0001", "angry", "bea"),
        ("casia", "angry/201-angry-liuchanhg", "angry", "liuchanhg"),
        ("casia", "不同文本100/Chang.Liu/normal/001", "neutral", "liuchanhg"),
        ("casia", "Zuoxiang.Zhao/angry/017", "angry", "zhaozuoxiang"),
        ("casia", "相同文本300_wangzhe_happy_201", "happy", "wangzhe"),
        ("esd", "0011/happy/0011_000701", "happy", "0011"),
    ],
)
def test_names_that_do_not_follow_the_published_rule(name, path, emotion, speaker):
    labels = find_corpus(name).labels(path)
    assert (labels["emotion"], labels["speaker"]) == (emotion, f"{name}:{speaker}")
    assert recognize([path]) is find_corpus(name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_tell_the_corpus(name):
    assert recognize([path for path, *_ in PUBLISHED[name][0]]) is find_corpus(name)


def test_every_corpus_says_where_it_is_from():
    corpora = known_corpora()
    assert set(corpora) == {*PUBLISHED, "emns"}
    for corpus in corpora.values():
        assert corpus.licence and corpus.citation and corpus.url.startswith("http")
        assert corpus.clips > 0
        assert all(len(language) == 2 for language in corpus.languages)
        folded = [speaker for fold in corpus.folds for speaker in fold]
        assert len(folded) == len(set(folded))
        assert not corpus.folds or set(folded) == set(corpus.speakers)
        assert bool(corpus.speaker_languages) == (len(corpus.languages) > 1)


def test_sentences_of_esd_are_the_same_in_each_emotion():
    esd = find_corpus("esd")
    texts = {
        esd.labels(f"0011/{name}/0011_{number:06d}")["text"]
        for name, number in (("Neutral", 7), ("Angry", 357), ("Surprise", 1407))
    }
    assert texts == {"en-7"}


def test_sentences_of_two_languages_of_esd_are_not_the_same():
    esd = find_corpus("esd")
    said = set()
    for speaker in ("0010", "0011", "0012"):
        labels = esd.labels(f"{speaker}/Angry/{speaker}_000357")
        said.add(Clip(speaker, Path(), "esd", "angry", text=labels["text"]).said)
    assert said == {"esd:zh-7", "esd:en-7"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("voice", "name is not of RAVDESS's form"),
        ("03-01-06-01-02-01-12-01", "name is not of RAVDESS's form"),
        ("٠٣-01-06-01-02-01-12", "name is not of RAVDESS's form"),
        ("01-01-06-01-02-01-12", "audio-video, not audio-only (03)"),
        ("Actor_12/02-01-06-01-02-01-12", "video-only, not audio-only (03)"),
        ("03-03-06-01-02-01-12", "unknown channel, 03"),
        ("03-01-09-01-02-01-12", "unknown emotion, 09"),
        ("03-01-06-03-02-01-12", "unknown intensity, 03"),
        ("03-01-01-02-02-01-12", "name says strong neutral, which RAVDESS does not have"),
        ("03-01-06-01-03-01-12", "unknown text, 03"),
        ("03-01-06-01-02-00-12", "unknown take, 00"),
        ("03-01-06-01-02-01-25", "unknown speaker, 25"),
    ],
)
def test_the_reason_is_the_true_one(name, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        find_corpus("ravdess").labels(name)


@pytest.mark.parametrize(
    ("corpus", "name", "reason"),
    [
        ("nemo", "samples/EB0_boredom_11", "unknown emotion, boredom"),
        ("tess", "OAF_angry/OAF_back_bored", "unknown emotion, bored"),
        ("tess", "XAF_back_angry", "unknown speaker, XAF"),
        ("emovo", "f1/dis-f4-b1", "unknown speaker, f4"),
        ("esd", "0011/Bored/0011_000371", "unknown emotion, Bored"),
        ("esd", "0021/Sad/0021_001080", "unknown speaker, 0021"),
        ("savee", "DC/x01", "unknown emotion, x"),
        ("savee", "XX/a01", "unknown speaker, XX"),
        ("shemo", "female/F01B01", "unknown emotion, B"),
        ("casia", "somebody/angry/201", "unknown speaker, somebody"),
        ("casia", "liuchanhg/bored/201", "unknown emotion, bored"),
        ("emodb", "laryngo/03a01Fa", "a laryngogram, not speech"),
        ("crema-d", "AudioWAV/1001_DFA_ANG_ZZ", "unknown intensity, ZZ"),
        ("emov-db", "tom_Amused/amused_1-15_0001", "unknown speaker, tom"),
        ("jl-corpus", "female3_angry_10a_1", "unknown speaker, female3"),
        ("mesd", "Anger_X_A_abajo", "unknown speaker, X"),
        ("emovo", "f1/dis-f1-x1", "name is not of EMOVO's form"),
        ("nemo", "notes", "name is not of nEMO's form"),
    ],
)
def test_a_name_that_reads_right_says_which_code_is_foreign(corpus, name, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        find_corpus(corpus).labels(name)
    assert not find_corpus(corpus).has_form("notes")


@given(st.text(max_size=30))
def test_any_other_text_is_a_value_error(text):
    for corpus in known_corpora().values():
        try:
            labels = corpus.labels(text)
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert labels["emotion"]


def test_unknown_corpora_are_refused():
    with pytest.raises(UsageError, match="unknown corpus 'mine'"):
        find_corpus("mine")


GOOD = """
name = "x"
title = "X"
languages = ["en"]
licence = "CC0"
citation = "X (2020)"
url = "https://example.org"
speaker_count = 2
clips = 3
pattern = '(?P<speaker>\\d)(?P<emotion>[ab])'
[emotions]
a = "angry"
b = "bored"
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "x"', "name = x", "x.toml"),
        ('title = "X"', "", "title is missing"),
        ("clips = 3", 'clips = "3"', "clips must be of type int"),
        ("clips = 3", "clips = 3\nclip = 4", "unknown key 'clip'"),
        ("?P<speaker>", "?P<who>", "unknown group, who"),
        ("?P<emotion>", "", "no group emotion"),
        ("[ab])", "[ab]", "x.toml"),
        ('= "bored"', '= "bored"\n[speaker_languages]\nde = ["1"]', "one of the languages"),
        ('= "bored"', '= "bored"\n[speaker_languages]\nen = ["1"]', "one of the languages"),
        ('[emotions]\na = "angry"\nb = "bored"', "", "emotions are missing"),
    ],
)
def test_damaged_descriptions_are_refused(old, new, reason):
    assert parse_corpus(GOOD, "x.toml").labels("1a")["emotion"] == "angry"
    with pytest.raises(CorpusError, match=reason):
        parse_corpus(GOOD.replace(old, new), "x.toml")
