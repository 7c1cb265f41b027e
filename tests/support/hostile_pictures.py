"""Files that mean harm to whoever decodes a photo, made from a seed; and a run of them all in a process with a limit.

python -m tests.support.hostile_pictures SEED COUNT    # one line of JSON: what became of them and what it took
"""

import functools
import io
import itertools
import json
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from PIL import Image

from services.warehouse.domain.photo import BUFFERED_PIXELS_MAX, PHOTO_PIXELS_MAX
from services.warehouse.photo_file import STORED_EDGE_PIXELS_MAX, decode_photo
from shared.contracts.refusals import Refusal
from tests.support.pictures import encode, photo, scene, with_segment

PAYLOADS = (
    b"<script>alert('payload-of-html')</script>",
    b"GIF89a=1;payload_of_javascript();//",
    b"<?php payload_of_php(); ?>",
    b"#!/bin/sh\necho payload-of-shell\n",
)
MARKS = (b"payload", b"PK\x03\x04", b"<script", b"<svg", b"Exif\0\0")
ADDRESS_SPACE_BYTES_MAX = 1024 * 1024 * 1024
JPEG_INFO = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
LARGEST_SIDE = int(BUFFERED_PIXELS_MAX**0.5)
LARGEST_COUNT = 4

Maker = Callable[[Random], bytes]


@functools.cache
def zeros(count: int) -> bytes:
    """That many zeros, compressed to a thousandth."""
    coder = zlib.compressobj(6)
    return b"".join(coder.compress(b"\0" * 100_000) for _ in range(count // 100_000)) + coder.flush()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, with right checksums."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def png_header(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)


def sound(random: Random) -> bytes:
    """A sound small photo of any format."""
    kind = random.choice(("JPEG", "PNG", "WEBP"))
    return encode(scene(random.randrange(50), (160, 120)), kind)


def cut_off(random: Random) -> bytes:
    content = sound(random)
    return content[: random.randrange(len(content))]


def bits_turned(random: Random) -> bytes:
    content = bytearray(sound(random))
    for _ in range(random.randrange(1, 20)):
        content[random.randrange(len(content))] = random.randrange(256)
    return bytes(content)


def pieces_swapped(random: Random) -> bytes:
    content, other = sound(random), sound(random)
    at, length = random.randrange(len(content)), random.randrange(2000)
    return content[:at] + other[at : at + length] + content[at + random.randrange(length + 1) :]


def polyglot(random: Random) -> bytes:
    payload = random.choice(PAYLOADS)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("payload.html", payload)
    content = random.choice((sound(random) + archive.getvalue(), sound(random) + payload, payload + sound(random)))
    jpeg = photo(random.randrange(50))
    return random.choice(
        (
            content,
            with_segment(jpeg, 0xFE, payload),
            with_segment(jpeg, random.randrange(0xE0, 0xF0), payload + b"*/=1;"),
            png_with(random, (b"tEXt", b"Comment\0" + payload), (b"ruNe", payload)),
        )
    )


def png_with(random: Random, *chunks: tuple[bytes, bytes]) -> bytes:
    """A sound PNG with more chunks between its header and its pixels."""
    content = encode(scene(random.randrange(50), (64, 64)), "PNG")
    return content[:33] + png(*chunks)[8:] + content[33:]


def png_text_bomb(random: Random) -> bytes:
    bomb = zeros(20_000_000)
    kind, body = random.choice(
        (
            (b"zTXt", b"Comment\0\0" + bomb),
            (b"iTXt", b"Comment\0\1\0\0\0" + bomb),
            (b"iCCP", b"profile\0\0" + bomb),
        )
    )
    return png_with(random, *[(kind, body)] * random.randrange(1, 60))


def png_pixel_bomb(random: Random) -> bytes:
    side = random.choice((LARGEST_SIDE + 1, 20_000, 65_535, 2**31 - 1, 2**32 - 1))
    pixels = zeros(random.choice((100_000, 3_000_000)))
    return png(
        png_header(side, random.choice((1, side)), 8, random.choice((0, 2, 6))), (b"IDAT", pixels), (b"IEND", b"")
    )


def png_too_many_pixels_coded(random: Random) -> bytes:
    return png(
        png_header(64, 64, interlaced=random.randrange(2)),
        (b"IDAT", zeros(30_000_000)),
        (b"IEND", b""),
    )


def png_many_chunks(random: Random) -> bytes:
    head, empty = png(png_header(64, 64)), png((b"IDAT", b""))[8:]
    return head + empty * random.randrange(1_000, 100_000) + png((b"IEND", b""))[8:]


def odd_colours(random: Random) -> bytes:
    image = scene(random.randrange(50), (80, 60))
    choices: tuple[Maker, ...] = (
        lambda _: encode(image.convert("CMYK"), "JPEG"),
        lambda _: encode(image.convert("L").convert("I;16"), "PNG"),
        lambda _: encode(image.convert("P"), "PNG", transparency=3),
        lambda _: encode(image.convert("1"), "PNG"),
        lambda _: encode(image.convert("LA"), "PNG"),
        lambda _: encode(image.convert("RGBA"), "WEBP", lossless=True),
        lambda _: png(png_header(64, 64, 16, 6), (b"IDAT", zlib.compress(b"\1" * 64 * (1 + 64 * 8))), (b"IEND", b"")),
        lambda _: png(
            png_header(64, 64, 8, 3),
            (b"PLTE", b"abc"),
            (b"IDAT", zlib.compress(b"\0" + b"\xff" * 64) * 64),
            (b"IEND", b""),
        ),
        lambda _: png(
            png_header(64, 64, random.randrange(256), random.randrange(256)), (b"IDAT", b"x"), (b"IEND", b"")
        ),
    )
    return random.choice(choices)(random)


def exif_trap(random: Random) -> bytes:
    """Directories that point to themselves, that overlap, that count beyond their end."""
    count = random.choice((3, 200, 4_000, 65_535))
    entries = b"".join(
        struct.pack(
            "<HHII",
            random.choice((0x8769, 0x8825, 0x0112, 0x9003, 0x010F, number % 65_536)),
            random.choice((2, 3, 4, 5, 7, 13)),
            random.choice((1, 3, 20, 60_000, 2**32 - 1)),
            random.choice((8, 0, 10, 60_000, 2**32 - 1)),
        )
        for number in range(min(count, 5_400))
    )
    block = b"II*\0" + struct.pack("<IH", 8, count) + entries
    if random.random() < 0.5:
        return with_segment(photo(random.randrange(50)), 0xE1, b"Exif\0\0" + block[:65_000])
    return png_with(random, (b"eXIf", block * random.randrange(1, 20)))


def icc_bomb(random: Random) -> bytes:
    jpeg = encode(scene(random.randrange(50), (64, 64)))
    count = random.randrange(1, 255)
    parts = [b"ICC_PROFILE\0" + bytes((number + 1, count)) + b"x" * 60_000 for number in range(count)]
    return jpeg[:2] + b"".join(struct.pack(">BBH", 0xFF, 0xE2, len(part) + 2) + part for part in parts) + jpeg[2:]


def jpeg_frame_lies(random: Random) -> bytes:
    jpeg = bytearray(encode(scene(random.randrange(50), (64, 64)), progressive=random.random() < 0.5))
    at = next(at for at in range(2, len(jpeg)) if jpeg[at] == 0xFF and jpeg[at + 1] in (0xC0, 0xC2))
    size = random.choice(((65_535, 65_535), (0, 64), (64, 0), (5_000, 9_999), (3_500, 3_500), (4_000, 60)))
    struct.pack_into(">HH", jpeg, at + 5, *size)
    if random.random() < 0.3:
        jpeg[at + 1] = random.choice((0xC1, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF))
    if random.random() < 0.2:
        length = struct.unpack_from(">H", jpeg, at + 2)[0] + 2
        jpeg[at:at] = jpeg[at : at + length]
    return bytes(jpeg)


def jpeg_scan_bomb(random: Random) -> bytes:
    jpeg = encode(scene(random.randrange(50), (64, 64)), progressive=True)
    start = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[start:-2] * random.randrange(1, 30_000 // 100) + b"\xff\xd9"


def webp_lies(random: Random) -> bytes:
    picture = bytearray(encode(scene(random.randrange(50), (64, 64)), "WEBP", lossless=random.random() < 0.5))
    if random.random() < 0.5:
        canvas = struct.pack("<4sIIII", b"VP8X", 12, 0xFF, 0xFFFFFF, 0xFFFFFF)
        picture[12:12] = canvas
        struct.pack_into("<I", picture, 4, len(picture) - 8)
    else:
        at = random.randrange(4, 30)
        picture[at] = random.randrange(256)
        struct.pack_into("<I", picture, random.choice((4, 16)), random.choice((0, 7, 2**31, 2**32 - 1)))
    return bytes(picture)


def animation(random: Random) -> bytes:
    frames = [scene(number, (64, 64)) for number in range(random.randrange(2, 5))]
    return encode(frames[0], random.choice(("PNG", "WEBP", "GIF")), save_all=True, append_images=frames[1:])


def no_picture(random: Random) -> bytes:
    image = scene(random.randrange(50), (64, 64))
    choices: tuple[Maker, ...] = (
        lambda _: b"",
        lambda _: b"\0" * random.randrange(1, 100_000),
        lambda given: given.randbytes(given.randrange(1, 5_000)),
        lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'><script>payload()</script></svg>",
        lambda _: b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "payload">]><svg>&a;</svg>',
        lambda _: b"%PDF-1.7 payload",
        lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(payload) run",
        lambda _: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"payload" * 50,
        lambda given: encode(image, given.choice(("GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "ICO", "TGA", "PPM"))),
        lambda given: (
            given.choice((b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffWEBP"))
            + given.randbytes(given.randrange(300))
        ),
    )
    return random.choice(choices)(random)


MAKERS: tuple[Maker, ...] = (
    cut_off,
    bits_turned,
    pieces_swapped,
    polyglot,
    png_text_bomb,
    png_pixel_bomb,
    png_too_many_pixels_coded,
    png_many_chunks,
    odd_colours,
    exif_trap,
    icc_bomb,
    jpeg_frame_lies,
    jpeg_scan_bomb,
    webp_lies,
    animation,
    no_picture,
)


def largest_pictures() -> Iterator[tuple[str, bytes]]:
    """What takes most memory of all that is let through: as many pixels as may be, coded as costly as can be."""
    side = LARGEST_SIDE
    row = b"\0" + b"\x80" * side * 4
    coder = zlib.compressobj(9)
    pixels = b"".join(coder.compress(row) for _ in range(side)) + coder.flush()
    yield "largest_png", png(png_header(side, side, 8, 6), (b"IDAT", pixels), (b"IEND", b""))
    plain = Image.new("RGB", (side, side), "grey")
    yield "largest_progressive_jpeg", encode(plain, progressive=True, subsampling=0)
    yield "largest_webp", encode(plain, "WEBP", method=0)
    camera = Image.new("L", (10_000, PHOTO_PIXELS_MAX // 10_000), "grey")
    yield "largest_jpeg", encode(camera.convert("RGB"))


def hostile_pictures(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """`count` files with the name of what each tries, every kind in turn."""
    random = Random(seed)
    for number in range(count):
        maker = MAKERS[number % len(MAKERS)]
        yield maker.__name__, maker(random)


def judge(content: bytes) -> str:
    """The refusal's code, or "clean". Raises AssertionError for anything between, and what `decode_photo` should not."""
    try:
        decoded = decode_photo(content)
    except Refusal as refusal:
        return refusal.reason.code
    picture = decoded.picture
    assert picture.startswith(b"\xff\xd8")
    assert picture.endswith(b"\xff\xd9")
    assert not any(mark in picture for mark in MARKS)
    with Image.open(io.BytesIO(picture), formats=("JPEG",)) as image:
        image.load()
        assert image.mode == "RGB"
        assert max(image.size) <= STORED_EDGE_PIXELS_MAX
        assert set(image.info) <= JPEG_INFO, image.info
    return "clean"


def main(seed: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
    assert judge(photo(1)) == "clean"
    outcomes: dict[str, Counter[str]] = {}
    growth_mb: dict[str, int] = {}
    slowest: tuple[float, str] = (0.0, "")
    for name, content in itertools.chain(hostile_pictures(seed, count), largest_pictures()):
        before_kb = forget_peak()
        began_s = time.perf_counter()
        outcomes.setdefault(name, Counter())[judge(content)] += 1
        slowest = max(slowest, (round(time.perf_counter() - began_s, 3), name))
        growth_mb[name] = max(growth_mb.get(name, 0), (memory_kb("VmHWM") - before_kb) // 1024)
    print(json.dumps({"outcomes": outcomes, "slowest": slowest, "growth_mb": growth_mb}))


def forget_peak() -> int:
    """Memory in use now, in KB; the peak (VmHWM) is counted from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_kb("VmRSS")


def memory_kb(which: str) -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which)]
    return int(line.split()[1])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
