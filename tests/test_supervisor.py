"""How the supervisor keeps its parts running; whole servers are in ``tests/crash``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deployr.settings import Settings
from deployr.supervisor import Part, Supervisor


async def test_a_part_that_cannot_be_started_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program, draft = tmp_path / "program", tmp_path / "draft"
    draft.write_text("#!/bin/sh\n")
    draft.chmod(0o755)
    supervisor = Supervisor(Settings.load(environ={}, flags={"home": tmp_path}))
    keeper = asyncio.create_task(supervisor._keep(Part("web", [str(program)])))

    async def said(text: str) -> None:
        while text not in caplog.text:
            assert not keeper.done()
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        await said("web cannot be started")
        draft.rename(program)
        await said("web ended with status 0")
        supervisor._stop.set()
        await keeper
