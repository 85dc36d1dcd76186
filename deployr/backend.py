"""What calls work with: the parts of the domain, wired here, by hand, for every process of the server."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from deployr.api.job_params import read_request
from deployr.api.own_urls import OwnUrls
from deployr.events.streams import Streams
from deployr.grid.client import SocketGrid
from deployr.jobs import bell
from deployr.jobs.code import JobCode
from deployr.jobs.endings import Endings
from deployr.jobs.jobs import Jobs
from deployr.jobs.lifecycle import Lifecycle
from deployr.jobs.queue import JobQueue
from deployr.jobs.runner import Runner
from deployr.jobs.running import JobRun
from deployr.jobs.services import ChainSources
from deployr.mlserver.batch_runner import BatchRunner
from deployr.mlserver.wiring import MLServer
from deployr.projects.archive import Archives
from deployr.projects.directory import Directory
from deployr.projects.executions import Executions
from deployr.projects.external_data import ExternalData
from deployr.projects.external_sources import ExternalSources
from deployr.projects.fetching import Fetcher
from deployr.projects.job_projects import JobProjects
from deployr.projects.packages import Packages
from deployr.projects.persistence import ProjectStates
from deployr.projects.pools import Pools
from deployr.projects.preparation import Preparing
from deployr.projects.project_downloads import ProjectDownloads
from deployr.projects.projects import Projects
from deployr.projects.repository_downloads import RepositoryDownloads
from deployr.projects.scripts import Scripts
from deployr.projects.sources import ScriptSources
from deployr.projects.standard_model import StandardModel
from deployr.projects.storing import Stores
from deployr.projects.workspace import Workspace
from deployr.projects.workspace_files import WorkspaceFiles
from deployr.repository.blobs import Blobs
from deployr.repository.directories import RepositoryDirectories
from deployr.repository.external import ExternalRepository
from deployr.repository.file_changes import FileChanges
from deployr.repository.files import RepositoryFiles
from deployr.repository.repositories import Repositories
from deployr.repository.shell import ShellScripts
from deployr.repository.zip_uploads import ZipUploads
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.bearers import Bearers
from deployr.users.http_sessions import HttpSessions
from deployr.users.logins import Logins
from deployr.users.signing_keys import SigningKeys
from deployr.users.tokens import Tokens


class Backend:
    """What calls work with; opened lazily, so that workers may fork after it was made."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.grid = SocketGrid(settings.grid_socket)
        self.blobs = Blobs(settings.blobs_directory)
        ring = functools.partial(bell.ring, settings.run_directory)

        # users
        self.accounts = Accounts(self.database, settings)
        self.logins = Logins(self.accounts, self.database, settings.ldap)
        self.signing_keys = SigningKeys(settings.keys_directory, settings.tokens.access_lifetime)
        self.tokens = Tokens(self.database, self.signing_keys, settings.tokens)
        self.bearers = Bearers(self.tokens, self.database, settings)
        self.sessions = HttpSessions(self.database, settings.secret_key(), settings.server.session_timeout)
        self.streams = Streams(self.grid, self.sessions.logged_in, settings.events)

        # repository
        self.files = RepositoryFiles(self.database, settings)
        self.file_changes = FileChanges(self.database, settings)
        self.directories = RepositoryDirectories(self.database)
        self.external_files = ExternalRepository(settings)
        self.repositories = Repositories(self.files, self.blobs, self.external_files)
        self.shell_scripts = ShellScripts(self.accounts, self.repositories, settings)
        self.zip_uploads = ZipUploads(self.database, self.files, self.blobs, settings)
        self.downloads = RepositoryDownloads(self.repositories, self.external_files, self.blobs)

        # projects
        self.projects = Projects(self.database, self.grid, settings)
        self.pools = Pools(self.projects, settings)
        self.archives = Archives(self.projects, self.blobs, settings)
        self.packages = Packages(self.projects, self.grid)
        self.workspace = Workspace(self.projects, self.grid)
        self.workspace_files = WorkspaceFiles(self.projects, self.grid, self.files, self.repositories, settings)
        self.directory = Directory(self.projects, self.grid, self.files, self.repositories, settings)

        # executions
        sources = ScriptSources(self.repositories)
        self.preparing = Preparing(self.projects, self.grid, self.repositories, self.blobs, settings)
        self._stores = Stores(self.database, self.grid, self.files, self.blobs, settings)
        self._model = StandardModel(self.grid, self.preparing, self._stores)
        self.executions = Executions(self.projects, self.grid, sources, self._model)
        self.scripts = Scripts(self.grid, sources, self._model, settings)
        self.project_downloads = ProjectDownloads(self.directory, self.executions, self.scripts, self.grid, settings)
        self.fetcher = Fetcher(OwnUrls(settings, self.downloads, self.project_downloads), settings)
        self.external = ExternalSources(self.fetcher, self.projects, self.grid)

        self.mlserver = MLServer(settings, self.database, self.grid, self.blobs, sources, self.logins.directory, ring)

        # jobs
        self._lifecycle = Lifecycle(self.grid)
        self.jobs = Jobs(self.database, self.blobs, ring, self._lifecycle)
        chains = ChainSources(sources, self.mlserver.services)
        self._job_code = JobCode(
            self.database, self.blobs, self.accounts, chains, self.external, self._model, self._stores, read_request
        )

    def job_runner(self, woken: asyncio.Event) -> Runner:
        """What runs jobs, for the one process that does; see :class:`deployr.jobs.runner.Runner`."""
        limits = self.settings.limits
        states = ProjectStates(self.database, self.grid, self.blobs, self.projects.executed)
        projects, tell = JobProjects(states), self._lifecycle.tell
        queue = JobQueue(self.database, limits.running_jobs_per_user, tell, delay=limits.job_delay)
        endings = Endings(self.database, projects, self._stores, tell)
        make_run = functools.partial(
            JobRun,
            queue=queue,
            grid=self.grid,
            code=self._job_code,
            model=self._model,
            stores=self._stores,
            projects=projects,
            endings=endings,
            external_data=ExternalData(self.settings),
            snapshots=self.mlserver.snapshot_contents,
        )
        most, delay = limits.running_jobs, limits.job_delay
        return Runner(queue, self.grid, endings, make_run, most=most, delay=delay, woken=woken)

    def batch_runner(self, woken: asyncio.Event) -> BatchRunner:
        """What runs batches, for the one process that does; see :class:`deployr.mlserver.batch_runner.BatchRunner`."""
        return self.mlserver.batch_runner(self.accounts, woken)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._lifecycle.published()
        await self.grid.aclose()
        self.database.close()

    async def process_shutdown(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Close the connections; falcon calls it when the worker ends."""
        await self.aclose()
