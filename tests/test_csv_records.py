import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from avser_cli.csv_records import csv_record

CELLS = st.text(st.sampled_from("a,;\"'\r\n\t ü\u2028"), max_size=6)


def test_a_record_keeps_line_breaks_and_commas():
    assert csv_record(["a\nb", "c,d", None]) == '"a\nb","c,d",\n'


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4))
def test_what_is_written_is_read_again(rows):
    text = "".join(map(csv_record, rows))
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows
