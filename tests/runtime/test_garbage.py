"""What a process keeps is not looked through for garbage."""

import gc

from runtime.garbage import keep_for_good


def test_what_is_there_is_left_out() -> None:
    before = gc.get_freeze_count()
    kept = [[] for _ in range(1_000)]  # type: ignore[var-annotated]
    keep_for_good()
    assert gc.get_freeze_count() > before + len(kept)
    assert not {id(each) for each in kept} & {id(found) for found in gc.get_objects()}
