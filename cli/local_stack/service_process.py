"""One of Supastate's services as a process of the stack."""

import os
import signal
import sys
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_urlsafe

import httpx

from cli.local_stack.home import StackHome
from cli.local_stack.parts import read_or_make_password
from cli.local_stack.ports import LOOPBACK
from cli.local_stack.processes import Launch, StopPlan, find_processes
from cli.local_stack.state import ProcessRecord

SERVICES = ("api", "ingest", "patterns", "summaries")
ROLES = {"api": "supastate_api"}
WORKER = "supastate_worker"
"""The role of every service that has none of its own: what a migration grants, and no more."""


class ServiceProcess:
    """The part named like the service."""

    start_patience_seconds = 60.0
    stop_plan = StopPlan(((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0)))

    def __init__(self, name: str, home: StackHome, settings: Callable[[], dict[str, str]]) -> None:
        self.name = name
        self._home = home
        self._settings = settings

    def prepare(self) -> None:
        """Nothing: a service keeps nothing on disk."""

    def launch(self, port: int) -> Launch:
        secret: dict[str, str] = {}
        if self.name == "api":  # kept, so that a restart ends no session
            file = self._home.session_secret
            secret["SUPASTATE_SESSION_SECRET"] = read_or_make_password(file, token_urlsafe)
        own = {
            "SUPASTATE_HTTP_HOST": LOOPBACK,
            "SUPASTATE_HTTP_PORT": str(port),
            "SUPASTATE_POSTGRES_ROLE": ROLES.get(self.name, WORKER),
        }
        return Launch(
            argv=[sys.executable, "-m", self._module],
            cwd=self._home.root,
            env=self._python_environment() | self._settings() | secret | own,
        )

    def is_ready(self, port: int) -> bool:
        # No proxy: a service on loopback is never behind one.
        with httpx.Client(trust_env=False, timeout=5.0) as client:
            try:
                answer = client.get(f"http://{LOOPBACK}:{port}/health/ready")
            except httpx.HTTPError:
                return False
            return answer.status_code == HTTPStatus.OK

    def find_leftovers(self) -> list[ProcessRecord]:
        variables = {"SUPASTATE_HOME": str(self._home.root)}
        return find_processes(argument=self._module, variables=variables)

    def _python_environment(self) -> dict[str, str]:
        environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
        # Who wants no bytecode in the source folders gets it here: to compile everything at each
        # start doubles a service's start, 1.4 s to 2.9 s of processor time.
        if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
            environment.setdefault("PYTHONPYCACHEPREFIX", str(self._home.bytecode))
        return environment

    @property
    def _module(self) -> str:
        return f"services.{self.name}"
