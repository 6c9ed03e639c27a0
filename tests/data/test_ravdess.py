import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.ravdess import ACTOR_FOLDS, ACTORS, EMOTIONS, parse_name


def test_the_published_example():
    labels = parse_name("03-01-06-01-02-01-12")
    assert (labels.modality, labels.channel, labels.emotion) == ("audio-only", "speech", "fearful")
    assert (labels.intensity, labels.statement, labels.repetition) == ("normal", 2, 1)
    assert (labels.actor, labels.sex) == (12, "female")


def test_folds_hold_every_actor_once():
    assert sorted(actor for fold in ACTOR_FOLDS for actor in fold) == list(ACTORS)


@given(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 2),
        st.integers(1, 8),
        st.integers(1, 2),
        st.integers(1, 2),
        st.integers(1, 2),
        st.integers(1, 24),
    )
)
def test_every_valid_name_is_read_back(numbers):
    name = "-".join(f"{number:02d}" for number in numbers)
    if numbers[2] == 1 and numbers[3] == 2:
        with pytest.raises(ValueError, match="strong neutral"):
            parse_name(name)
        return
    labels = parse_name(name)
    assert labels.emotion == EMOTIONS[numbers[2]]
    assert labels.take[3:] == numbers[4:]


@given(st.text(max_size=30))
def test_any_other_text_is_a_value_error(text):
    try:
        labels = parse_name(text)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert labels.actor in ACTORS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("voice", "seven two-digit fields"),
        ("03-01-06-01-02-01-12-01", "seven two-digit fields"),
        ("04-01-06-01-02-01-12", "modality"),
        ("03-03-06-01-02-01-12", "vocal channel"),
        ("03-01-09-01-02-01-12", "emotion"),
        ("03-01-06-03-02-01-12", "intensity"),
        ("03-01-06-01-03-01-12", "statement"),
        ("03-01-06-01-02-00-12", "repetition"),
        ("03-01-06-01-02-01-25", "actor"),
        ("٠٣-01-06-01-02-01-12", "seven two-digit fields"),
    ],
)
def test_the_message_names_the_field(name, expected):
    with pytest.raises(ValueError, match=expected):
        parse_name(name)
