"""The parameters that calls which write files of the repository have in common."""

from __future__ import annotations

from deployr.api.params import Params
from deployr.repository.records import Destination, FileProperties


def read_properties(params: Params) -> FileProperties:
    """What describes a file besides its content."""
    return FileProperties(
        descr=params.text("descr", "desrc"),
        tags=params.text("tags"),
        restricted=params.text("restricted"),
        shared=params.given_flag("shared"),
        published=params.given_flag("published"),
        inputs=params.text("inputs"),
        outputs=params.text("outputs"),
    )


def read_destination(params: Params) -> Destination:
    """Where a content goes in the caller's repository; ``version`` is the workspace's word for ``newversion``."""
    return Destination(
        directory=params.text("directory"),
        properties=read_properties(params),
        newversion=params.flag("newversion", "version"),
        newversionmsg=params.text("newversionmsg"),
    )
