"""Words for emotions, in many spellings and languages, and labels that a user maps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from avser_cli.errors import UsageError
from avser_cli.shell import quoted

# ruff: noqa: E501, RUF001
_WORDS = {
    "happy": "happy happiness hap joy joyful joyous cheerful freude fröhlich glücklich froh heureux "
    "heureuse joie joyeux alegría alegre feliz felicidad felicidade alegria gioia felice felicità "
    "radość radosny szczęście szczęśliwy vreugde blij glad glädje glede ilo iloinen mutlu mutluluk "
    "радость счастье радостный счастливый χαρά 高兴 開心 开心 快乐 喜び 嬉しい 행복 기쁨 खुशी سعيد "
    "سعادة فرح شادی خوشحال خوشی "
    "štěstí šťastný radost radostný veselý সুখ সুখী খুশি আনন্দ আনন্দিত ደስታ ደስተኛ",
    "sad": "sad sadness traurig trauer traurigkeit triste tristesse tristeza tristezza smutek smutny "
    "verdriet verdrietig droevig ledsen sorg trist surullinen suru üzgün üzüntü грусть печаль "
    "грустный λύπη 悲伤 伤心 难过 悲しみ 悲しい 슬픔 दुख दुखी حزين حزن غم غمگین ناراحتی اداس "
    "triest smutný smutná দুঃখ দুঃখী দুঃখিত বিষণ্ণ ሀዘን ሐዘን ያዘነ",
    "angry": "angry anger ang ärger wut wütend ärgerlich zorn colère fâché enojo enfado enojado "
    "enfadado raiva rabia rabbia arrabbiato złość zły gniew boos woede arg ilska sint sinne "
    "viha vihainen kızgın öfke гнев злость злой θυμός 生气 愤怒 怒り 분노 화남 गुस्सा क्रोध غضب "
    "غاضب خشم عصبانی عصبانیت غصہ "
    "furious kwaad θυμωμένος θυμωμένη hněv vztek zlost naštvaný রাগ রাগান্বিত ক্রোধ ቁጣ ንዴት የተናደደ",
    "neutral": "neutral neutrality neu neutre neutro neutra neutrale neutralny neutralność neutraal "
    "nøytral neutraali nötr нейтральный нейтрально ουδέτερο 中性 平静 中立 중립 तटस्थ محايد عادی "
    "خنثی "
    "neutrální নিরপেক্ষ ገለልተኛ",
    "calm": "calm calmness ruhig calme calma calmo tranquilo tranquillo spokój spokojny kalm rustig "
    "lugn rauhallinen sakin спокойный спокойствие 落ち着き 평온 هادئ آرام "
    "klid klidný শান্ত መረጋጋት የተረጋጋ",
    "fearful": "fearful fear fea afraid scared angst ängstlich furcht peur effrayé miedo medo paura "
    "strach bang rädsla rädd frykt redd pelko korku страх φόβος 恐惧 害怕 恐れ 恐怖 공포 두려움 डर "
    "خوف خائف ترس "
    "bange vystrašený ভয় ভীত ፍርሃት ፍርሀት",
    "disgust": "disgust disgusted dis ekel angeekelt dégoût dégoûté asco nojo desgosto disgusto "
    "disgustato wstręt obrzydzenie walging avsky äckel avsmak inho tiksinti iğrenme отвращение "
    "αηδία 厌恶 嫌悪 혐오 घृणा اشمئزاز نفرت "
    "znechucení znechucený hnus ঘৃণা መጸየፍ",
    "surprised": "surprised surprise sur überraschung überrascht erstaunt surpris sorpresa surpresa "
    "sorpreso zaskoczenie zaskoczony verrassing verrast förvåning förvånad overraskelse yllätys "
    "şaşkın şaşkınlık sürpriz удивление έκπληξη 惊讶 吃惊 驚き 놀람 आश्चर्य مفاجأة تعجب حیرت "
    "překvapení překvapený 惊喜 বিস্ময় বিস্মিত আশ্চর্য অবাক መገረም ግርምት የተገረመ",
    "bored": "bored boredom langeweile gelangweilt ennui aburrimiento noia nuda скука 无聊",
    "excited": "excited excitement aufgeregt",
    "amused": "amused amusement",
    "sleepy": "sleepy sleepiness müde",
    "contempt": "contempt contemptuous verachtung mépris",
    "sarcastic": "sarcastic sarcasm",
}
_PHRASES = {"pleasant surprise": "surprised", "pleasant surprised": "surprised"}
_SEPARATORS = re.compile(r"[\s\d_.,;:()\[\]&+'-]+")
_LISTS = re.compile(r"[,;&+]")


def _fold(word: str) -> str:
    """Compatibility letters in lower case; Turkish dotless and dotted i are one."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    return folded.replace("i\u0307", "i").replace("ı", "i")


_KNOWN = {_fold(word): label for label, words in _WORDS.items() for word in words.split()}


def read_emotion(word: str, mapping: Mapping[str, str] | None = None) -> str | None:
    """The label for a word, or `None` where it is unknown.

    Case, digits and separators do not count. Of several words, all must be emotions, and the first
    is taken: ``"neutral_calm"`` is neutral, ``"not_happy"`` unknown. A list of emotions, as
    ``"happy, sad"``, is none of them.

    Parameters
    ----------
    word : str
        E.g. ``"HAPPINESS"``, ``"01_Anger"`` or ``"Colère"``.
    mapping : Mapping, optional
        From `parse_mapping`; goes before the known words, and is asked for their labels, too.
        Digits and separators count only where its words have some.
    """
    if mapping:
        for mine in (_plain(word), _bare(word)):
            if (mapped := mapping.get(mine)) is not None:
                return mapped
    label = _known_emotion(word)
    return label if label is None or not mapping else mapping.get(label, label)


def _known_emotion(word: str) -> str | None:
    words = [part for part in _SEPARATORS.split(_fold(word)) if part]
    if not words:
        return None
    phrase = _PHRASES.get(" ".join(words))
    if phrase is not None:
        return phrase
    labels = [_KNOWN.get(part) for part in words]
    several = len(set(labels)) > 1 and _LISTS.search(word)
    return None if None in labels or several else labels[0]


def parse_mapping(text: str) -> dict[str, str]:
    """``"frustrated=angry,fun=happy"`` as a mapping from a word to a label.

    The label may be any word; a known one is turned into its label (``"fun=Happiness"``).

    Raises
    ------
    UsageError
        A part is not ``WORD=LABEL``, or one word has two labels.
    """
    mapping: dict[str, str] = {}
    for part in text.split(","):
        word, equals, label = (piece.strip() for piece in part.partition("="))
        if not (word and equals and label) or "=" in label:
            raise UsageError(f"--map {part.strip()!r} must read WORD=LABEL, e.g. fun=happy")
        label = read_emotion(label) or label.casefold()
        if mapping.setdefault(_plain(word), label) != label:
            raise UsageError(f"--map gives {word!r} two labels")
    return mapping


def map_example(words: Iterable[str], label: str) -> str | None:
    """An option that maps the first of some words that one can name, as it is typed."""
    word = next((word for word in words if not set(word) & set(",=")), None)
    return None if word is None else f"--map {quoted(f'{word}={label}')}"


def _bare(word: str) -> str:
    return " ".join(part for part in _SEPARATORS.split(_plain(word)) if part)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().strip()
