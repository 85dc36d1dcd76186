"""A private LDAP server for tests: OpenLDAP's slapd on a free port, in a directory that goes with it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import textwrap
from pathlib import Path

from tests.server import free_port
from tests.waiting import wait_until

BASE = "dc=example,dc=com"
SEARCHER, SEARCHER_PASSWORD = f"cn=searcher,{BASE}", "looks-up"
PASSWORD = "As-the-directory-has-it"

_SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin")
_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/pid
{tls}
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
directory {directory}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""
_PEOPLE = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {SEARCHER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: {SEARCHER_PASSWORD}

dn: ou=users,{BASE}
objectClass: organizationalUnit
ou: users

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups
"""
_PERSON = """
dn: uid={uid},ou=users,{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name}
mail: {mail}
userPassword: {password}
"""
_GROUP = """
dn: cn={group},ou=groups,{base}
objectClass: groupOfUniqueNames
cn: {group}
uniqueMember: uid={uid},ou=users,{base}
"""


class LdapServer:
    """A running server. Its people: ``maria`` of the group Analysts, ``otto`` and ``testuser``; all have one address.

    Args:
        tls: lines of its configuration.
    """

    def __init__(self, directory: Path, tls: str = "", scheme: str = "ldap") -> None:
        assert _SLAPD, "slapd is missing (Debian: slapd)"
        (directory / "data").mkdir(parents=True)
        configuration = directory / "slapd.conf"
        configuration.write_text(_CONFIGURATION.format(directory=directory, base=BASE, tls=tls))
        people = [_person("maria", "Maria Schmidt"), _person("otto", "Otto"), _person("testuser", "Another")]
        entries = "".join([_PEOPLE, *people, _GROUP.format(group="Analysts", uid="maria", base=BASE)])
        add = [_SLAPD, "-Tadd", "-f", configuration]
        subprocess.run(add, input=textwrap.dedent(entries).encode(), check=True, capture_output=True)
        self.port = free_port()
        self.url = f"{scheme}://localhost:{self.port}"
        self._command = [_SLAPD, "-f", configuration, "-h", f"{scheme}://127.0.0.1:{self.port}", "-d", "0"]
        self.start()

    def start(self) -> None:
        """Serve."""
        self._process = subprocess.Popen(self._command)
        wait_until(self._answers)

    def stop(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process.poll() is None, "slapd ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _person(uid: str, name: str) -> str:
    return _PERSON.format(uid=uid, name=name, mail="one.for.all@example.com", base=BASE, password=PASSWORD)
