"""The part of a bundle that names its clips: ``clips.csv``, a row a clip.

Beside ``config.json``, because it grows with the corpus: what grows is read row by row.
"""

from __future__ import annotations

import csv
import io
import re

from avser_cli.data.splits import Split

COLUMNS = ("side", "clip", "samples_sha256")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")


def clips_part(split: Split) -> bytes:
    """The content of ``clips.csv``: the training side in its order, then the held-out side."""
    text = io.StringIO()
    # Quoted, all of them: names may hold a carriage return, which the writer does not look for.
    rows = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerow(COLUMNS)
    for side, members in (("train", split.train), ("test", split.test)):
        rows.writerows((side, key, samples) for key, samples in members.items())
    # Names of files need not be text.
    return text.getvalue().encode("utf-8", "surrogatepass")


def parse_clips(content: bytes) -> dict[str, dict[str, str]]:
    """The members of each side, ``train`` and ``test``, with the checksums of their samples.

    Raises
    ------
    ValueError
        It is not what `clips_part` writes.
    """
    sides: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogatepass", newline="")
    rows = csv.reader(lines, strict=True)
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        for row in rows:
            if len(row) != len(COLUMNS) or row[0] not in sides or not _CHECKSUM.fullmatch(row[2]):
                raise ValueError(f"line {rows.line_num} is no clip")
            side, key, samples = row
            if key in sides[side]:
                raise ValueError(f"line {rows.line_num} names a clip twice")
            sides[side][key] = samples
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None
    return sides
