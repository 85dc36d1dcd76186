"""The parameters that calls of files of the repository have in common."""

from __future__ import annotations

import itertools

from deployr.api.params import Params
from deployr.repository.records import Destination, FileProperties, RepositoryName


def read_name(params: Params) -> RepositoryName:
    """Which file a call means.

    Raises:
        MalformedParameter: it has no name.
    """
    return RepositoryName(
        params.required("filename"),
        author=params.text("author"),
        directory=params.text("directory"),
        version=params.text("version"),
    )


def read_names(params: Params, names: str, prefix: str = "", *directories: str) -> list[RepositoryName]:
    """Files; author, directory and version are parallel to the names, where an empty place is the default.

    Args:
        params: of the call.
        names: parameter of the names.
        prefix: of the parallel parameters.
        directories: other parameters that the directories may be in.
    """
    filenames = params.names(names)
    authors, versions = params.places(f"{prefix}author"), params.places(f"{prefix}version")
    places = params.places(f"{prefix}directory", *directories)
    rows = itertools.zip_longest(filenames, authors, places, versions, fillvalue="")
    return [
        RepositoryName(filename, author=author or None, directory=directory or None, version=version or None)
        for filename, author, directory, version in itertools.islice(rows, len(filenames))
    ]


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
