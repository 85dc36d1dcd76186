"""Domain objects as the plain dicts that replies are written from, with every documented key (7x-facts 3.2, 3.3).

Keys that old and new clients spell differently are all there: ``cookie`` and ``projectcookie``, ``sha256`` and ``md5``,
``lastmodified`` and ``lastModified``.
"""

from __future__ import annotations

from typing import Any

from deployr.api.urls import Urls
from deployr.grid.protocol import ExecutionRecord, FileInfo
from deployr.jobs.records import Job
from deployr.projects.records import Project
from deployr.projects.scripts import PREFIX as STATELESS
from deployr.repository import file_types
from deployr.repository.records import RepositoryFile
from deployr.settings import Settings
from deployr.users.caller import Caller

Record = dict[str, Any]


def user(caller: Caller) -> Record:
    """The ``user`` of login replies; .NET cannot log in without the key ``cookie`` (client-wire-facts 7)."""
    return {
        "username": caller.username,
        "displayname": caller.displayname,
        "permissions": caller.permissions,
        "cookie": caller.cookie,
        "usercookie": caller.cookie,
    }


def limits(settings: Settings) -> Record:
    """The ``limits`` of login replies: seconds, projects, bytes; 32-bit integers to Java and .NET."""
    return {
        "maxIdleLiveProjectTimeout": settings.server.session_timeout,
        "maxConcurrentLiveProjectCount": settings.limits.live_projects,
        "maxFileUploadSize": min(settings.limits.max_upload, 2**31 - 1),
    }


def job(job: Job, *, extended: bool = False) -> Record:
    """A job; unset times are 0 (7x-facts 3.2). What ``extended`` adds is nowhere documented: these are ours."""
    more = {"owner": job.owner, "cluster": job.cluster, "storenoproject": not job.store_project, "created": job.created}
    return {
        "job": job.job,
        "name": job.name,
        "descr": job.descr,
        "schedstart": job.schedstart,
        "schedrepeat": job.schedrepeat,
        "schedinterval": job.schedinterval,
        "onrepeat": job.on_repeat,
        "priority": job.priority,
        "tag": job.tag,
        "timeStart": job.time_start,
        "timeCode": job.time_code,
        "timeTotal": job.time_total,
        "status": job.status,
        "statusMsg": job.status_msg,
        "project": job.project,
        **(more if extended else {}),
    }


def project(project: Project) -> Record:
    """A project."""
    return {
        "project": project.project,
        "name": project.name,
        "descr": project.descr,
        "longdescr": project.longdescr,
        "live": project.live,
        "shared": project.shared,
        "cookie": project.cookie,
        "projectcookie": project.cookie,
        "origin": project.origin,
        "author": project.author,
        "authors": list(project.authors),
        "lastmodified": project.lastmodified,
    }


def execution(record: ExecutionRecord, project_id: str, urls: Urls) -> Record:
    """The ``execution`` of an execute reply."""
    return {
        **_common(record),
        "results": [result(info, project_id, urls) for info in record.results],
        "artifacts": [artifact(info, project_id, urls) for info in record.artifacts],
        "warnings": record.warnings,
        "info": [],
        "help": None,
    }


def history_item(record: ExecutionRecord) -> Record:
    """An entry of ``execution.history``; ``resourceUsage`` is bytes of console and plots (7x-facts 8)."""
    return {
        **_common(record),
        "resourceUsage": len(record.console.encode()) + sum(info.length for info in record.results),
        "onDate": record.time_start + record.time_total,
        "success": record.error is None,
        "warnings": record.warnings or None,
        "error": record.error,
        "errorCode": record.error_code,
    }


def _common(record: ExecutionRecord) -> Record:
    return {
        "execution": record.execution,
        "code": record.code,
        "tag": record.tag,
        "actor": record.actor,
        "timeStart": record.time_start,
        "timeCode": record.time_code,
        "timeTotal": record.time_total,
        "console": record.console,
        "resultsGenerated": record.results_generated,
        "resultsAvailable": len(record.results),
        "interrupted": record.interrupted,
    }


def result(info: FileInfo, project_id: str, urls: Urls) -> Record:
    """An unnamed plot."""
    return {
        "execution": info.execution,
        "filename": info.filename,
        "length": info.length,
        "type": file_types.content_type(info.filename),
        "sha256": info.sha256,
        "md5": info.sha256,
        "url": urls.result(project_id, info.execution or "", info.filename),
    }


def project_file(info: FileInfo, project_id: str, urls: Urls) -> Record:
    """A file of a working directory."""
    is_stateless = project_id.startswith(STATELESS)
    url = (urls.stateless_file if is_stateless else urls.project_file)(project_id, info.filename)
    return {
        "filename": info.filename,
        "descr": info.descr,
        "length": info.length,
        "type": file_types.content_type(info.filename),
        "category": file_types.category(info.filename),
        "lastmodified": info.modified,
        "lastModified": info.modified,
        "url": url,
    }


def artifact(info: FileInfo, project_id: str, urls: Urls) -> Record:
    """A file that the code of an execution created or changed."""
    return {**project_file(info, project_id, urls), "project": project_id}


def repository_file(file: RepositoryFile, urls: Urls) -> Record:
    """A file of the repository."""
    return {**repository_script(file, urls), "inputs": file.inputs, "outputs": file.outputs}


def repository_script(file: RepositoryFile, urls: Urls) -> Record:
    """A script in a list: without ``inputs`` and ``outputs``, whose types .NET and Java disagree on."""
    return {
        "filename": file.filename,
        "name": file.filename,
        "directory": file.directory,
        "descr": file.descr,
        "author": file.author,
        "authors": list(file.authors),
        "version": file.version,
        "versionmsg": file.versionmsg,
        "latestby": file.latestby,
        "type": file.type,
        "category": file.category,
        "tags": file.tags,
        "length": file.length,
        "sha256": file.sha256 or None,
        "md5": file.sha256 or None,
        "lastModified": file.last_modified,
        "lastmodified": file.last_modified,
        "restricted": file.restricted,
        "shared": file.shared,
        "published": file.published,
        "access": file.access,
        "url": urls.repository_file(file),
    }
