"""What a phone tells of itself."""

SIGNALS = {
    "screen": "390x844@3",
    "timezone": "Asia/Amman",
    "language": "ar",
    "canvas": "c" * 64,
    "webgl": "w" * 64,
}
