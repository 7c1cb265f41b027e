"""What is kept of a photo is the picture, upright and clean, and six facts of its Exif data; nothing else."""

import hashlib
import io
import struct
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from services.warehouse.domain.photo import BUFFERED_PIXELS_MAX, PHOTO_BYTES_MAX, PHOTO_PIXELS_MAX
from services.warehouse.domain.photo_container import JPEG_SCANS_MAX, open_container
from services.warehouse.domain.photo_evidence import SIMILAR_BITS_MAX, Point
from services.warehouse.domain.photo_exif import ExifFacts, read_exif
from services.warehouse.photo_file import STORED_EDGE_PIXELS_MAX, decode_photo, hash_differences
from shared.contracts.refusals import Refusal
from tests.support.pictures import camera_exif, encode, photo, scene, with_segment


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean difference of two pictures of one size, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(a.convert("RGB"), b.convert("RGB"))).mean) / 3


def refused(content: bytes, code: str = "warehouse.photo.unreadable") -> None:
    with pytest.raises(Refusal) as caught:
        decode_photo(content)
    assert caught.value.reason.code == code


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {}),
    ],
)
def test_every_format_becomes_the_same_clean_picture(kind: str, options: dict[str, Any]) -> None:
    image = scene(1)
    exif = camera_exif(taken_at="2025:11:22 10:30:00", place=(35.581234, 51.441111))
    content = encode(image, kind, exif=exif, icc_profile=b"profile" * 50, **options)
    decoded = decode_photo(content)
    facts = decoded.facts
    assert (facts.original_sha256, facts.original_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert facts.original_format == kind
    assert facts.taken_at == datetime(2025, 11, 22, 7, 0, tzinfo=UTC)
    assert facts.taken_point == Point(Decimal("35.581234"), Decimal("51.441111"))
    kept = opened(decoded.picture)
    assert (kept.format, kept.size, kept.mode) == ("JPEG", image.size, "RGB")
    assert (facts.width_pixels, facts.height_pixels) == kept.size
    assert difference(kept, image) < 3
    assert facts.stored_sha256 == hashlib.sha256(decoded.picture).hexdigest()


def test_nothing_but_pixels_is_in_what_is_kept() -> None:
    content = photo(2, taken_at="2025:11:22 10:30:00", place=(35.5, 51.4), orientation=1)
    content = with_segment(content, 0xFE, b"comment of SECRET-1")
    content = with_segment(content, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>SECRET-2</x>")
    content += b"PK\x03\x04 SECRET-3 <script>alert(1)</script>"
    picture = decode_photo(content).picture
    for secret in (b"SECRET", b"Secretphone", b"SERIAL", b"<script", b"Exif", b"PK\x03\x04", b"2025"):
        assert secret not in picture
    kept = opened(picture)
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not dict(kept.getexif())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_kept_upright(orientation: int) -> None:
    from PIL import ImageOps

    content = encode(scene(3, (320, 200)), exif=camera_exif(orientation=orientation), quality=95)
    upright = ImageOps.exif_transpose(opened(content))
    kept = opened(decode_photo(content).picture)
    assert kept.size == upright.size
    assert difference(kept, upright) < 2


def test_large_pictures_are_made_smaller() -> None:
    decoded = decode_photo(encode(scene(4, (4000, 3000)), quality=60))
    assert (decoded.facts.width_pixels, decoded.facts.height_pixels) == (STORED_EDGE_PIXELS_MAX, 1920)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK"])
def test_other_kinds_of_colour_become_rgb(mode: str) -> None:
    image = scene(5).convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    kept = opened(decode_photo(encode(image, kind)).picture)
    assert kept.mode == "RGB"
    assert difference(kept, image.convert("RGB")) < (25 if mode in ("1", "P") else 4)


def test_a_picture_with_a_video_behind_it_is_taken_without_the_video() -> None:
    plain = photo(6)
    motion = plain + b"\0\0\0\x18ftypmp42" + b"\xff\xda\x12" * 500
    assert decode_photo(motion).picture == decode_photo(plain).picture
    assert open_container(motion).content == open_container(plain).content


def test_limits_hold_before_anything_is_decoded() -> None:
    refused(photo(1).ljust(PHOTO_BYTES_MAX + 1, b"x"), "warehouse.photo.too_large")
    side = int(BUFFERED_PIXELS_MAX**0.5) + 1
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    refused(bomb, "warehouse.photo.too_large")
    wide, high = 10_000, PHOTO_PIXELS_MAX // 10_000 + 1
    flat = encode(Image.new("RGB", (64, 64)))
    refused(flat.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", high, wide), 1), "warehouse.photo.too_large")
    refused(encode(scene(1, (15, 300))))


def test_a_picture_of_many_scans_is_refused() -> None:
    jpeg = encode(scene(1, (64, 64)), progressive=True)
    start = jpeg.rindex(b"\xff\xda")
    scan = jpeg[start:-2]
    assert decode_photo(jpeg[:-2] + scan + b"\xff\xd9").facts.width_pixels == 64
    refused(jpeg[:-2] + scan * JPEG_SCANS_MAX + b"\xff\xd9")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind: str) -> None:
    refused(encode(scene(1), kind, save_all=True, append_images=[scene(2), scene(3)]))


def test_other_formats_are_refused_whatever_they_are_called() -> None:
    for kind in ("GIF", "BMP", "TIFF", "AVIF", "JPEG2000"):
        refused(encode(scene(1, (64, 64)), kind))
    refused(b"")
    refused(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_was_cut_off_is_refused(kind: str) -> None:
    content = encode(scene(7), kind)
    for share in (0.01, 0.3, 0.6, 0.9, 0.99):
        refused(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("written", "offset", "taken_at"),
    [
        ("2025:11:22 10:30:00", "+03:30", datetime(2025, 11, 22, 7, 0, tzinfo=UTC)),
        ("2025:11:22 10:30:00", "-05:00", datetime(2025, 11, 22, 15, 30, tzinfo=UTC)),
        ("2025:11:22 10:30:00", "nonsense", None),
        ("0000:00:00 00:00:00", None, None),
        ("1970:01:01 00:00:00", None, None),
        ("tomorrow", None, None),
    ],
)
def test_when_a_photo_was_taken(written: str, offset: str | None, taken_at: datetime | None) -> None:
    assert decode_photo(photo(1, taken_at=written, offset=offset)).facts.taken_at == taken_at


@pytest.mark.parametrize("place", [(35.7, 51.4), (-33.5, -70.65), (0.000001, 180.0), (90.0, -0.5)])
def test_where_a_photo_was_taken(place: tuple[float, float]) -> None:
    point = decode_photo(photo(1, place=place)).facts.taken_point
    assert point is not None
    assert (float(point.latitude), float(point.longitude)) == pytest.approx(place, abs=2e-6)


def test_a_place_that_is_none() -> None:
    assert decode_photo(photo(1, place=(0.0, 0.0))).facts.taken_point is None
    assert decode_photo(photo(1, place=(95.0, 10.0))).facts.taken_point is None
    assert decode_photo(photo(1)).facts.taken_point is None


def test_exif_data_that_point_to_themselves_lead_nowhere() -> None:
    entries = [(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x0112, 3, 1, 6 << 16)]
    block = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for entry in entries:
        block += struct.pack("<HHII", *entry)
    assert read_exif(block + struct.pack("<I", 8)) == ExifFacts()
    for cut in range(len(block)):
        assert read_exif(block[:cut]) == ExifFacts()


def test_near_same_pictures_have_near_hashes_and_others_do_not() -> None:
    hashes: list[int] = []
    for seed in range(40):
        image = scene(seed)
        original = hash_differences(image)
        assert original is not None
        hashes.append(original)
        smaller = opened(encode(image.resize((400, 300)), quality=40))
        stamped = image.copy()
        ImageDraw.Draw(stamped).text((10, 10), "1404/09/01 10:30", fill="white")
        for copy in (smaller, stamped, image.point([min(255, round(value * 1.1)) for value in range(256)] * 3)):
            copied = hash_differences(copy)
            assert copied is not None
            assert ((original ^ copied) & (2**64 - 1)).bit_count() <= SIMILAR_BITS_MAX
    apart = [((a ^ b) & (2**64 - 1)).bit_count() for at, a in enumerate(hashes) for b in hashes[:at]]
    assert min(apart) > SIMILAR_BITS_MAX


def test_a_plain_picture_is_like_no_other() -> None:
    for colour in ("black", "white", "grey"):
        assert hash_differences(Image.new("RGB", (400, 300), colour)) is None
