"""The server's own R packages: installed once into the sessions' library, found by ``library()``."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "r" / "packages"


class InstallFailed(Exception):
    """``R CMD INSTALL`` failed; the message is its output."""


def install(library: Path) -> bool:
    """Install the packages when they are missing or their sources have changed; true when it did.

    Raises:
        InstallFailed: R could not install them.
    """
    stamp = library / ".sources"
    current = _fingerprint()
    if stamp.exists() and stamp.read_text() == current:
        return False
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".library-") as name:
        fresh = Path(name, "fresh")
        fresh.mkdir()
        fresh.chmod(0o755)
        _install_into(fresh)
        (fresh / ".sources").write_text(current)
        # Whoever is killed here leaves a whole library or none.
        if library.exists():
            library.rename(Path(name, "former"))
        fresh.rename(library)
    return True


def packages() -> list[Path]:
    """Source directories of the packages, in the order in which they depend on each other."""
    return [SOURCES / "deployrUtils", SOURCES / "RevoScriptTools", SOURCES / "rxStandIns"]


def _install_into(library: Path) -> None:
    command = ["R", "CMD", "INSTALL", "--no-docs", "--no-test-load", f"--library={library}", *map(str, packages())]
    result = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o022)  # noqa: S603
    if result.returncode:
        raise InstallFailed(result.stderr.strip())


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for package in packages():
        for file in sorted(path for path in package.rglob("*") if path.is_file()):
            digest.update(str(file.relative_to(SOURCES)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
