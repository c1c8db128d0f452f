"""What the prompt broker leans on in dramatiq, which promises nothing of it (decision 0002)."""

import re
import tomllib

from dramatiq.brokers import redis
from dramatiq.brokers.redis import RedisBroker

from runtime.broker.prompt import PromptConsumer, PromptRedisBroker
from tests.kit.root import ROOT


def test_the_private_base_of_the_prompt_consumer_is_there() -> None:
    assert PromptConsumer.__bases__ == (redis._RedisConsumer,)
    assert PromptRedisBroker.__bases__ == (RedisBroker,)
    assert "outstanding_message_count" in vars(redis._RedisConsumer)
    assert "__next__" in vars(redis._RedisConsumer)


def test_dramatiq_is_pinned_to_its_minor_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [pinned] = [line for line in project["dependencies"] if line.startswith("dramatiq")]
    least, below = re.findall(r"(\d+)\.(\d+)", pinned)
    assert (int(least[0]), int(least[1]) + 1) == (int(below[0]), int(below[1]))
