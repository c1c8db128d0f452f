"""What `twtc up` prints: steps, prefixed lines of the programs, and the banner."""

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STYLES = {"web": "cyan", "clock": "magenta", "worker": "green", "partner": "yellow"}
NAME_WIDTH = 8


def duration(seconds: int) -> str:
    """In the largest unit that divides it: "4 h", "24 min", "90 s"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


class Screen:
    """Coloured on a terminal, plain lines elsewhere. Safe to use from several threads."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self._console = Console(file=output, highlight=False)
        self._lock = threading.Lock()
        if hasattr(output, "reconfigure"):
            output.reconfigure(errors="replace")

    def title(self, text: str) -> None:
        """A line that opens a section."""
        self._print(Text(text, style="bold"))

    def step(self, text: str) -> None:
        """Something that is done."""
        self._print(Text.assemble(("  ✓ ", "green"), text))

    def problem(self, text: str) -> None:
        """Why it does not go on."""
        self._print(Text.assemble(("  ✗ ", "bold red"), text))

    def say(self, name: str, line: str) -> None:
        """A line of a program's output; without a name, of our own."""
        style = STYLES.get(name, "bold")
        self._print(Text.assemble((f"{name or 'run':<{NAME_WIDTH}}│ ", style), line))

    def banner(self, entries: Sequence[tuple[str, str]]) -> None:
        """What the user should know now, in a frame where there is a terminal."""
        if not self._console.is_terminal:
            for label, value in entries:
                self._print(Text(f"{label:<{NAME_WIDTH}}  {value}"))
            return
        table = Table.grid(padding=(0, 2))
        for label, value in entries:
            table.add_row(Text(label, style="bold"), Text(value, overflow="fold"))
        self._print(Panel(Group(table), expand=False, border_style="green"))

    def _print(self, what: Text | Panel) -> None:
        # Rich ends the program when nobody reads on (`./run | head`); here it only goes quiet.
        with self._lock, suppress(OSError, SystemExit):
            self._console.print(what, soft_wrap=isinstance(what, Text))
