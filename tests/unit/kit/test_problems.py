"""Languages are chosen as RFC 9110 says; every refusal of the kit has a stable code and both texts."""

import json
import re

import pytest
from pydantic import BaseModel, Field, ValidationError

from shared.contracts.refusals import Refusal, RefusalType
from shared.contracts.safeguards import SAFEGUARDS
from shared.kit import problems
from shared.kit.field_problems import FIELD_PROBLEMS_MAX, describe_fields
from shared.kit.problems import CATALOGUE, choose_language, encode_problem, problem_document, problem_headers

PERSIAN = re.compile(r"[\u0600-\u06ff]")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fa", "fa"),
        ("fa-IR", "fa"),
        ("FA-ir", "fa"),
        ("en-GB,en;q=0.9,fa;q=0.8", "en"),
        ("fa-IR,fa;q=0.9,en;q=0.8", "fa"),
        ("en;q=0.5, fa;q=0.7", "fa"),
        ("fa;q=0.5, en;q=0.5", "en"),
        ("fa;q=0", "en"),
        ("*", "en"),
        ("*, en;q=0.1", "fa"),
        ("en;q=0, *", "fa"),
        ("de, fr", "en"),
        ("de, fa;q=0.1", "fa"),
        ("fa;q=7", "en"),
        (";;;,=", "en"),
        ("fa ; q = 0.9 , en ; q = 0.1", "fa"),
        ("x" * 10_000, "en"),
    ],
)
def test_language(header: str | None, language: str) -> None:
    assert choose_language(header) == language


@pytest.mark.parametrize("reason", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_every_refusal_of_the_kit_is_told_in_both_languages(reason: RefusalType) -> None:
    assert re.fullmatch(r"kit\.[a-z_]+", reason.code)
    assert 400 <= reason.status <= 503
    assert PERSIAN.search(reason.text_fa)
    assert not PERSIAN.search(reason.text_en)
    assert PERSIAN.search(problems.title_of(reason.status, "fa"))
    assert set(re.findall(r"{\w+}", reason.text_en)) == set(re.findall(r"{\w+}", reason.text_fa))


def test_the_document_has_the_members_of_the_standard_and_ours() -> None:
    reason = RefusalType("warehouse.hold.locked", 409, "Held by {name}.", "در توقیف {name} است.", safeguard=6)
    document = problem_document(Refusal(reason, name="rey"), language="fa", correlation_id="c-1")
    assert json.loads(encode_problem(document)) == {
        "type": "urn:payesh:problem:warehouse.hold.locked",
        "title": "ناسازگاری",
        "status": 409,
        "detail": "در توقیف rey است.",
        "code": "warehouse.hold.locked",
        "correlation_id": "c-1",
        "details": {"name": "rey"},
        "safeguard": 6,
        "safeguard_fa": SAFEGUARDS[6].fa,
        "safeguard_en": SAFEGUARDS[6].en,
    }


def test_a_refusal_says_how_to_go_on() -> None:
    assert problem_headers(problems.TOKEN_MISSING, "en")["www-authenticate"] == "Bearer"
    assert "invalid_token" in problem_headers(problems.TOKEN_EXPIRED, "en")["www-authenticate"]
    assert int(problem_headers(problems.DATABASE_UNAVAILABLE, "fa")["retry-after"]) > 0


class Place(BaseModel, extra="forbid"):
    places: int = Field(ge=1)
    name: str = Field(max_length=3)


def errors_of(value: object) -> list[dict[str, str]]:
    with pytest.raises(ValidationError) as invalid:
        Place.model_validate(value)
    return describe_fields(invalid.value.errors())  # pyright: ignore[reportReturnType] - JSON values of known shape


def test_fields_are_described_in_both_languages_without_their_values() -> None:
    found = errors_of({"places": 0, "name": "secret", "other": 1})
    assert [(item["field"], item["code"]) for item in found] == [
        ("places", "greater_than_equal"),
        ("name", "string_too_long"),
        ("other", "extra_forbidden"),
    ]
    assert found[0]["text_en"] == "must be at least 1"
    assert all(PERSIAN.search(item["text_fa"]) for item in found)
    assert "secret" not in str(found)


def test_there_is_a_bound_to_how_much_is_described() -> None:
    assert len(errors_of({f"unknown{number}": 1 for number in range(500)})) == FIELD_PROBLEMS_MAX
