"""The command of a benchmark whose scenarios measure one thing that runs."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.report import report

Subject = TypeVar("Subject")
Sizes = TypeVar("Sizes")


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool
    only: list[str] | None
    json: Path


@dataclass(frozen=True, slots=True)
class Benchmark(Generic[Subject, Sizes]):
    """What is measured, and by which scenarios."""

    name: str
    about: str | None
    opened: Callable[[], AbstractContextManager[Subject]]
    scenarios: Mapping[str, Callable[[Subject, Sizes, Results], None]]
    sizes: Sizes
    quick: Sizes
    packages: Sequence[str]
    """Whose versions stand beside the figures."""

    def run(self) -> int:
        """Return 0 if every goal that was looked at is met, else 1."""
        options = self._options()
        logging.disable(logging.INFO)  # peers tell of each job
        results = Results()
        with self.opened() as subject:
            for name in options.only or self.scenarios:
                say(f"scenario {name}")
                self.scenarios[name](subject, self.quick if options.quick else self.sizes, results)
        return report(results, options.json, self.packages, is_quick=options.quick)

    def _options(self) -> Options:
        parser = argparse.ArgumentParser(
            prog=f"python -m benchmarks.{self.name}", description=self.about
        )
        choices, figures = list(self.scenarios), Path(f"benchmarks/results/{self.name}.json")
        parser.add_argument("--quick", action="store_true", help="smaller sizes, for development")
        parser.add_argument("--only", action="append", choices=choices, help="may be repeated")
        parser.add_argument("--json", type=Path, default=figures, help="where the figures go")
        return parser.parse_args(namespace=Options())
