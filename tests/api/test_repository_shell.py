"""``/r/repository/shell/execute``."""

from collections.abc import Iterator

import pytest

from tests.server import BASIC_USER, Client, Server, beside

CALL = "/r/repository/shell/execute"
ECHO = 'echo "$1"\necho "$2"\n'


@pytest.fixture(scope="module")
def shells(server: Server) -> Iterator[Server]:
    settings = {"shell__enabled": True, "shell__output_limit": 10_000}
    with beside(server, **settings) as shells:
        yield shells


@pytest.fixture(scope="module")
def admin(shells: Server) -> Iterator[Client]:
    client = shells.login("admin")
    yield client
    client.http.close()


def upload(client: Client, filename: str, content: str, **params: str) -> dict[str, str]:
    client.succeed("/r/repository/file/upload", filename=filename, files={"file": content.encode()}, **params)
    return {"filename": filename, "author": "admin"}


def console(client: Client, **params: str) -> list[str]:
    lines: list[str] = client.succeed(CALL, **params)["repository"]["shell"]["console"]
    return lines


def test_what_the_script_prints_comes_back_line_by_line(shells: Server, admin: Client) -> None:
    script = upload(admin, "echo.sh", ECHO, shared="true")
    assert console(shells.login(), **script, args="Hello World!") == ["Hello", "World!"]


def test_lines_come_in_xml_too(admin: Client) -> None:
    reply = admin.post(CALL, **upload(admin, "lines.sh", ECHO), args="one two", format="xml").text
    assert "<shell><console><line>one</line><line>two</line></console></shell>" in reply


def test_arguments_are_never_read_by_a_shell(admin: Client) -> None:
    script = upload(admin, "quiet.sh", ECHO)
    assert console(admin, **script, args="$(id);`id`|id '* \"'") == ["$(id);`id`|id", '* "']


def test_a_script_may_name_its_interpreter(admin: Client) -> None:
    script = upload(admin, "named.bat", "#!/usr/bin/perl\nprint 6 * 7;\n")
    assert console(admin, **script) == ["42"]


def test_scripts_of_the_external_repository_are_run_too(shells: Server) -> None:
    script = {"filename": "echo.sh", "author": "admin", "directory": "external:public:admin"}
    assert console(shells.login(), **script, args="Hello World!") == ["echo.sh", "Hello World!"]


def test_a_batch_file_finds_nothing_that_runs_it(admin: Client) -> None:
    admin.fail(CALL, **upload(admin, "echo.bat", "@echo off\n"))


def test_a_script_has_no_rights_and_no_secrets(shells: Server, admin: Client) -> None:
    home = shells.settings.home
    script = upload(admin, "look.sh", f"env; ls {home}; id -u\n")
    printed = console(admin, **script)
    assert printed[-1] != "0"
    assert not any("DEPLOYR" in line for line in printed)
    assert any("Permission denied" in line for line in printed)


def test_a_failed_script_shows_what_it_printed(admin: Client) -> None:
    record = admin.fail(CALL, **upload(admin, "bad.sh", "echo before\nexit 3\n"))
    assert record["repository"]["shell"]["console"] == ["before"]
    assert "3" in record["error"]


@pytest.mark.parametrize("code", ["sleep 60 & exec cat /dev/zero", "yes"])
def test_output_is_bounded(admin: Client, code: str) -> None:
    admin.fail(CALL, **upload(admin, "endless.sh", code), error_code=914)


def test_time_is_bounded(server: Server) -> None:
    with beside(server, shell__enabled=True, shell__time_limit=1) as hasty:
        admin = hasty.login("admin")
        admin.fail(CALL, **upload(admin, "long.sh", "sleep 600"), error_code=914)
        admin.http.close()


def test_only_shell_scripts_are_run(admin: Client) -> None:
    admin.fail(CALL, **upload(admin, "code.R", "1"))


def test_only_scripts_of_administrators_are_run(shells: Server, admin: Client) -> None:
    script = upload(admin, "given.sh", ECHO)
    admin.succeed("/r/repository/file/grant", filename="given.sh", newauthor="testuser")
    shells.login().fail(CALL, **script, status=403)


def test_a_script_that_the_caller_may_not_see_is_absent(shells: Server, admin: Client) -> None:
    hidden, absent = upload(admin, "private.sh", ECHO), {"filename": "never.sh", "author": "admin"}
    client = shells.login(BASIC_USER, "Password1")
    assert client.fail(CALL, **hidden)["error"] == client.fail(CALL, **absent)["error"].replace("never", "private")


def test_callers_must_be_logged_in(shells: Server, admin: Client) -> None:
    script = upload(admin, "public.sh", ECHO, published="true")
    shells.client().fail(CALL, **script, status=401)


def test_it_is_off_by_default(server: Server) -> None:
    server.login("admin").fail(CALL, filename="echo.sh", author="admin", status=403)
