"""How a command ends."""

from typing import NoReturn

import typer


def end(status: int) -> NoReturn:
    """End the command with this exit status."""
    raise typer.Exit(status)
