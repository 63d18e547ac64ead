"""The README's picture of the page: there, and small enough to load."""

import struct

from tools.reading_picture import HEIGHT, PICTURE, WIDTH


def test_the_picture_is_one_of_the_page() -> None:
    content = PICTURE.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (WIDTH, HEIGHT)
    assert len(content) < 400_000
