"""`twtc health`: whether the worker or the clock on this machine is alive. For probes."""

import os
import sys

from ops.running import with_addresses
from runtime.environment import ConfigError, load_config
from runtime.telemetry.siblings import find_faults


def health(program: str) -> int:
    """Return 0 if the program's processes leave signs of life, 1 with the reason if not."""
    try:
        config = load_config(with_addresses(os.environ))
    except ConfigError as error:
        print(f"health: {error}", file=sys.stderr)
        return 2
    faults = find_faults(program, config.database_url)
    print("\n".join(faults) or f"{program} is alive")
    return 1 if faults else 0
