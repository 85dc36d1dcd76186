"""Addresses in the external repository: what stands in ``directory`` (7x-facts 15).

========================  ====================================  ======================
on disk, below the base   address                               who
========================  ====================================  ======================
``USER/SUB``              ``external:root:SUB``                 the user alone
``shared/USER/SUB``       ``external:shared:USER:SUB``          authenticated users
``public/USER/SUB``       ``external:public:USER:SUB``          everybody
========================  ====================================  ======================
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from deployr.errors import InvalidParameter
from deployr.repository.external_tree import Names, is_plain

Place = Literal["root", "shared", "public"]

ROOT = "external:root"
"""Address of the caller's private directory."""

_EXTERNAL = "external"
_SEPARATOR = ":"


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A directory of the external repository.

    Attributes:
        owner: whose directory it is.
        below: sub-directories on the way to it.
    """

    place: Place
    owner: str
    below: Names = ()

    def __str__(self) -> str:
        owner = () if self.place == "root" else (self.owner,)
        return _SEPARATOR.join((_EXTERNAL, self.place, *owner, *self.below))

    @property
    def names(self) -> Names:
        """Its path below the base."""
        place = () if self.place == "root" else (self.place,)
        return (*place, self.owner, *self.below)

    @property
    def is_root(self) -> bool:
        """Whether it is a user's private directory itself, which is there even if nothing is on disk."""
        return self.place == "root" and not self.below

    def joined(self, name: str) -> Address:
        """A sub-directory."""
        return dataclasses.replace(self, below=(*self.below, name))


def is_external(directory: str | None) -> bool:
    """Whether the name of a directory is an address in the external repository."""
    return (directory or "").startswith(_EXTERNAL + _SEPARATOR)


def refuse_external(directory: str | None) -> None:
    """Let no call change the external repository.

    Raises:
        InvalidParameter: the directory is in it.
    """
    if is_external(directory):
        raise InvalidParameter("The external repository can be read, but not changed.")


def parse(directory: str, username: str | None) -> Address | None:
    """The address that a text means to a user, or to nobody in particular; ``None`` when it is none."""
    external, *names = directory.split(_SEPARATOR)
    if external != _EXTERNAL or not all(map(is_plain, names)):
        return None
    match names:
        case ["root", *below] if username is not None and has_private_place(username):
            return Address("root", username, tuple(below))
        case ["shared", owner, *below]:
            return Address("shared", owner, tuple(below))
        case ["public", owner, *below]:
            return Address("public", owner, tuple(below))
    return None


def has_private_place(username: str) -> bool:
    """Whether a user can have a private directory.

    The names of the shared and public places are taken, in whatever case a file system may ignore.
    """
    return is_plain(username) and username.lower() not in ("shared", "public")


def is_addressable(name: str) -> bool:
    """Whether a directory's name can stand in an address."""
    return is_plain(name) and _SEPARATOR not in name


def owner_of(real: Names) -> str:
    """Whose directory a path below the base leads into."""
    return real[1] if real[0] in ("shared", "public") else real[0]


def may_see(username: str | None, real: Names) -> bool:
    """Whether a user, or nobody in particular, may see what lies at a path below the base.

    Symbolic links lead from one place to another; what they show is judged by where it lies.
    """
    if real[:1] == ("public",):
        return len(real) > 1
    if real[:1] == ("shared",):
        return len(real) > 1 and username is not None
    return bool(real) and real[0] == username and has_private_place(username)
