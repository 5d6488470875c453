"""Run the benchmarks that are named on the command line, or all, and print a table for each."""

import importlib
import pkgutil
import sys

from rich.console import Console
from rich.table import Table

import benchmarks


def main(wanted: list[str]) -> None:
    """Run each module of this package that has ``run() -> list[Row]``."""
    console = Console()
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name == "__main__" or (wanted and module.name not in wanted):
            continue
        benchmark = importlib.import_module(f"benchmarks.{module.name}")
        if not hasattr(benchmark, "run"):
            continue
        table = Table(
            "what", "figure", "unit", "compare with", title=(benchmark.__doc__ or "").splitlines()[0]
        )
        table.columns[1].justify = "right"
        for row in benchmark.run():
            table.add_row(row.what, row.text, row.unit, row.compare)
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
