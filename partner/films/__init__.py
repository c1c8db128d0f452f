"""Three short films of our own, which the local partner hosts.

The .mp4, .jpg and .json files beside this are made by
`uv run --group films python -m partner.films`.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
