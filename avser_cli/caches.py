"""Where what may be lost is kept: avser's own runs, and what libraries compile and look up."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from avser_cli.errors import OutputError, os_reason


def cache_folder() -> Path:
    """Where what may be lost is kept: the platform's place for caches.

    Where there is none that can be written to (no home, a read-only one), a private folder among
    the temporary files.
    """
    return _home_cache() or _private_temporary_folder()


def provide_library_caches() -> None:
    """Give libraries that stop or complain without a home (numba, Matplotlib, librosa) a place."""
    if _home_cache() is None:
        for variable in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"):
            if variable not in os.environ:
                os.environ[variable] = str(_private_temporary_folder())


def _home_cache() -> Path | None:
    from platformdirs import user_cache_path

    try:
        place = user_cache_path("avser", appauthor=False)
    except (OSError, RuntimeError, KeyError):
        return None
    above = next((x for x in (place, *place.parents) if x.exists()), None)
    if not place.is_absolute() or above is None or not above.is_dir():
        return None
    return place if os.access(above, os.W_OK | os.X_OK) else None


@cache
def _private_temporary_folder() -> Path:
    """A folder of this user alone: libraries run code from their caches."""
    try:
        owner = os.getuid() if hasattr(os, "getuid") else None
        place = Path(tempfile.gettempdir(), f"avser-{'cache' if owner is None else owner}")
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
        found = place.lstat()
        private = not found.st_mode & 0o022 or owner is None
        if stat.S_ISDIR(found.st_mode) and private and owner in (None, found.st_uid):
            return place
        return Path(tempfile.mkdtemp(prefix="avser-"))
    except OSError as error:
        raise OutputError(
            f"no place for temporary files and caches: {os_reason(error)}; name a folder with "
            "AVSER_CACHE and one with TMPDIR"
        ) from None
