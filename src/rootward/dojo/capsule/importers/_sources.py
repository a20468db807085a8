"""Where a data set lies: an unpacked folder, any folder above or below its root, or the archive it came in."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rootward import errors

UNPACKED_BYTES_MAX = 16 * 2**30
ARCHIVE_SUFFIXES = (".tar", ".tar.xz", ".txz", ".tar.gz", ".tgz", ".tar.bz2")


@contextmanager
def opened(src: Path) -> Iterator[Path]:
    """A folder with the data set: `src` itself, or a temporary one into which its archive was unpacked.

    Raises:
        DatasetError: nothing there, not an archive, or larger than the limit.
    """
    if src.is_dir():
        yield src.resolve()  # folders above it tell the case when only a part was given
        return
    if not src.exists():
        raise errors.DatasetError(f"there is nothing at {src}")
    if not src.name.endswith(ARCHIVE_SUFFIXES):
        raise errors.DatasetError(f"{src} is neither a folder nor an archive ({', '.join(ARCHIVE_SUFFIXES)})")
    with tempfile.TemporaryDirectory(prefix="rootward-import-") as place:
        _unpack(src, Path(place))
        yield Path(place).resolve()


def _unpack(archive: Path, place: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            total = 0
            for member in tar:
                total += member.size
                if total > UNPACKED_BYTES_MAX:
                    raise errors.DatasetError(
                        f"{archive} unpacks to more than {UNPACKED_BYTES_MAX} bytes; unpack it yourself"
                    )
                tar.extract(member, place, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise errors.DatasetError(f"{archive} cannot be unpacked: {error}") from error


def find(root: Path, pattern: str, *, expected: str) -> list[Path]:
    """Files below `root` whose name matches `pattern`, sorted; a folder deep inside the data set works as well as one above it.

    Raises:
        DatasetError: none; the message says what was expected.
    """
    found = sorted(path for path in root.rglob(pattern) if path.is_file() and not path.name.startswith("._"))
    if not found:
        raise errors.DatasetError(f"no {pattern} at or below {root}: expected {expected}")
    return found
