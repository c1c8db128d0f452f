"""Draw and encode the films: H.264 and AAC in MP4, which every browser and phone plays.

`uv run --group films python -m partner.films`: the tools are needed only here, the films are kept.
"""

import math
from array import array
from fractions import Fraction

import av
import msgspec
from PIL import Image

from models.content.library import films
from partner.films import FOLDER
from partner.films.scenes import SCENES

SIZE = (640, 360)
FRAMES_A_SECOND = 24
SAMPLES_A_SECOND = 24_000
SAMPLES_A_FRAME = 1024  # of AAC
CHORDS = ((220.0, 277.18, 329.63), (196.0, 246.94, 293.66), (174.61, 220.0, 261.63))


def main() -> None:
    """Make every film that is seeded, with its picture and its description."""
    for film in films():
        name, seconds = film.provider_id, film.duration_seconds
        assert seconds is not None
        encode(name, seconds)
        SCENES[name](0.7).resize(SIZE, Image.Resampling.LANCZOS).save(
            FOLDER / f"{name}.jpg", quality=82
        )
        description = {"title": film.title, "duration_seconds": seconds}
        (FOLDER / f"{name}.json").write_bytes(msgspec.json.encode(description) + b"\n")
        print(f"{name}: {(FOLDER / f'{name}.mp4').stat().st_size:,} bytes")


def encode(name: str, seconds: int) -> None:
    """Write the film; its index comes first, so that it plays while it loads."""
    target = str(FOLDER / f"{name}.mp4")
    with av.open(target, "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as out:
        video = out.add_stream("libx264", rate=FRAMES_A_SECOND)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "27", "preset": "slow", "profile": "main", "threads": "1"}
        sound = out.add_stream("aac", rate=SAMPLES_A_SECOND, layout="mono")
        sound.bit_rate = 40_000
        for number in range(seconds * FRAMES_A_SECOND):
            picture = SCENES[name](number / (seconds * FRAMES_A_SECOND - 1))
            small = picture.resize(SIZE, Image.Resampling.LANCZOS)
            frame = av.VideoFrame.from_image(small)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for begin in range(0, seconds * SAMPLES_A_SECOND, SAMPLES_A_FRAME):
            out.mux(sound.encode(tone(begin, seconds)))
        out.mux(sound.encode(None))


def tone(begin: int, seconds: int) -> av.AudioFrame:
    """Slow chords, which swell and fade."""
    end = min(begin + SAMPLES_A_FRAME, seconds * SAMPLES_A_SECOND)
    values = array("f", (_loudness(n / SAMPLES_A_SECOND, seconds) for n in range(begin, end)))
    frame = av.AudioFrame(format="fltp", layout="mono", samples=len(values))
    frame.planes[0].update(values.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = SAMPLES_A_SECOND
    frame.pts, frame.time_base = begin, Fraction(1, SAMPLES_A_SECOND)
    return frame


def _loudness(at: float, seconds: int) -> float:
    chord = CHORDS[int(at / 4) % len(CHORDS)]
    swell = math.sin(math.pi * (at % 4) / 4) * min(1.0, at, seconds - at)
    return 0.09 * swell * sum(math.sin(math.tau * hertz * at) for hertz in chord)


if __name__ == "__main__":
    main()
