"""The RSA keys that sign access tokens: one signs, those before it are believed for a while (9x-facts 4).

Keys are files of the home directory, named by the time of their making and their id, so that all web workers share
them, find a new one without a restart, and no record beside the files can disagree with them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from deployr.store.database import now_ms

ALGORITHM = "RS256"
_BITS = 2048


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """A key.

    Attributes:
        kid: its id, which tokens name.
        created: milliseconds since 1970.
    """

    kid: str
    created: int
    private: rsa.RSAPrivateKey

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The half that verifies."""
        return self.private.public_key()


class SigningKeys:
    """The keys of a home.

    Args:
        directory: where they are kept, closed to other users.
        overlap: seconds for which a replaced key is still believed: the life of an access token.
    """

    def __init__(self, directory: Path, overlap: float) -> None:
        self._directory = directory
        self._overlap_ms = int(overlap * 1000)
        self._loaded: list[SigningKey] = []
        self._stamp = 0

    def ensure(self) -> None:
        """Make the first key, unless there is one."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._paths():
            self._make()

    def rotate(self) -> str:
        """Make a new key, which signs from now on, and remove those that nobody believes any more; tells its id."""
        self.ensure()
        kid = self._make()
        for path in self._paths()[: -len(self._believed(self._load()))]:
            path.unlink(missing_ok=True)
        return kid

    def current(self) -> SigningKey:
        """The key that signs."""
        return self._fresh()[-1]

    def find(self, kid: str) -> SigningKey | None:
        """The key of an id, when it is believed."""
        return next((key for key in self._believed(self._fresh()) if key.kid == kid), None)

    def jwks(self) -> dict[str, Any]:
        """The public halves of all keys that are believed, as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [_jwk(key) for key in self._believed(self._fresh())]}

    def _fresh(self) -> list[SigningKey]:
        """The keys by age, read again when the directory has changed."""
        stamp = self._directory.stat().st_mtime_ns
        if stamp != self._stamp:
            self._loaded, self._stamp = self._load(), stamp
        return self._loaded

    def _believed(self, keys: list[SigningKey]) -> list[SigningKey]:
        """The newest key, and those whose successor is young."""
        limit = now_ms() - self._overlap_ms
        replaced = [key for key, successor in itertools.pairwise(keys) if successor.created >= limit]
        return [*replaced, *keys[-1:]]

    def _paths(self) -> list[Path]:
        return sorted(self._directory.glob("*.pem"))

    def _load(self) -> list[SigningKey]:
        keys = []
        for path in self._paths():
            with contextlib.suppress(FileNotFoundError):
                keys.append(_read(path))
        return keys

    def _make(self) -> str:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        kid = _kid(private)
        path = self._directory / f"{now_ms():015d}-{kid}.pem"
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_pem(private))
        draft.rename(path)
        return kid


def _read(path: Path) -> SigningKey:
    created, _, kid = path.stem.partition("-")
    private = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"{path} is no RSA key")
    return SigningKey(kid, int(created), private)


def _pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _kid(private: rsa.RSAPrivateKey) -> str:
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()[:16]


def _jwk(key: SigningKey) -> dict[str, Any]:
    return RSAAlgorithm.to_jwk(key.public, as_dict=True) | {"kid": key.kid, "alg": ALGORITHM, "use": "sig"}
