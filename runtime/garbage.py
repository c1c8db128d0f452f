"""What a process has once it is ready lives as long as it does, and is no garbage."""

import gc


def keep_for_good() -> None:
    """Leave out what is there by now whenever garbage is looked for.

    Modules and application are some hundred thousand objects: looking through them stops a process
    for a tenth of a second, whenever its work has made enough new ones.
    """
    gc.collect()
    gc.freeze()
