"""Every refusal that the kit itself makes, in one catalogue, and how any refusal is told (RFC 9457, in fa or en)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from shared.contracts.refusals import Refusal, RefusalType
from shared.contracts.safeguards import SAFEGUARDS

Language = Literal["en", "fa"]

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2
PASSWORD_TRIES_WINDOW_S: Final = 60
ACCEPT_LANGUAGE_CHARACTERS_MAX: Final = 512

TOKEN_MISSING = RefusalType(
    "kit.token_missing", 401, "A bearer token is required.", "برای این درخواست باید وارد شوید (توکن لازم است)."
)
TOKEN_INVALID = RefusalType("kit.token_invalid", 401, "The bearer token is not valid.", "توکن ورود معتبر نیست.")
TOKEN_EXPIRED = RefusalType("kit.token_expired", 401, "The bearer token has expired.", "اعتبار توکن ورود تمام شده است.")
TOKEN_COUNTY_UNKNOWN = RefusalType(
    "kit.token_county_unknown", 401, "The token names an unknown county.", "توکن ورود شهرستانی ناشناخته را نام می‌برد."
)
PASSWORD_MISSING = RefusalType(
    "kit.password_missing", 401, "Username and password are required.", "نام کاربری و گذرواژه لازم است."
)
PASSWORD_WRONG = RefusalType(
    "kit.password_wrong", 401, "Username or password is wrong.", "نام کاربری یا گذرواژه نادرست است."
)
PASSWORD_TRIES_TOO_MANY = RefusalType(
    "kit.password_tries_too_many",
    429,
    "Too many wrong passwords for this username. Wait a minute and try again.",
    "برای این نام کاربری چند بار گذرواژهٔ نادرست آمده است. یک دقیقه صبر کنید و دوباره امتحان کنید.",
)
ROLE_NOT_ALLOWED = RefusalType(
    "kit.role_not_allowed",
    403,
    "None of the caller's roles may do this; one of {allowed} may.",
    "هیچ‌یک از نقش‌های شما اجازهٔ این کار را ندارد؛ نقش‌های مجاز: {allowed}.",
)
COUNTY_NOT_GRANTED = RefusalType(
    "kit.county_not_granted", 403, "The caller has no authority in this county.", "شما در این شهرستان اختیاری ندارید."
)
ROUTE_NOT_FOUND = RefusalType(
    "kit.route_not_found", 404, "There is nothing at this address.", "در این نشانی چیزی نیست."
)
METHOD_NOT_ALLOWED = RefusalType(
    "kit.method_not_allowed", 405, "This address does not take this method.", "این نشانی این روش را نمی‌پذیرد."
)
BODY_TOO_LARGE = RefusalType(
    "kit.body_too_large",
    413,
    "The request body is larger than {bytes_max} bytes.",
    "بدنهٔ درخواست از {bytes_max} بایت بزرگ‌تر است.",
)
MEDIA_TYPE_NOT_SUPPORTED = RefusalType(
    "kit.media_type_not_supported",
    415,
    "The body must be JSON or a form (a picture only where a photo is taken), and not compressed.",
    "بدنهٔ درخواست باید JSON یا فرم (و تنها برای ارسال عکس، تصویر) و بدون فشرده‌سازی باشد.",
)
BODY_NOT_JSON = RefusalType(
    "kit.body_not_json", 400, "The body is not valid JSON in UTF-8.", "بدنهٔ درخواست JSON معتبر با رمزگذاری UTF-8 نیست."
)
BODY_TOO_DEEP = RefusalType(
    "kit.body_too_deep",
    400,
    "The body is nested deeper than {depth_max} levels.",
    "بدنهٔ درخواست بیش از {depth_max} سطح تودرتو است.",
)
BODY_KEY_REPEATED = RefusalType(
    "kit.body_key_repeated",
    400,
    "One object in the body gives the same key twice.",
    "در بدنهٔ درخواست یک کلید دو بار آمده است.",
)
BODY_TEXT_UNSTORABLE = RefusalType(
    "kit.body_text_unstorable",
    400,
    "The body holds a NUL character.",
    "بدنهٔ درخواست نویسهٔ تهی دارد.",
)
BODY_UNREADABLE = RefusalType("kit.body_unreadable", 400, "The body cannot be read.", "بدنهٔ درخواست خوانده نمی‌شود.")
REQUEST_INVALID = RefusalType(
    "kit.request_invalid",
    422,
    "Some values are missing or wrong; see the list.",
    "برخی مقدارها نیامده یا نادرست است؛ فهرست را ببینید.",
)
QUERY_UNKNOWN = RefusalType(
    "kit.query_unknown",
    422,
    "The query parameter {name} is not known here; known: {known}.",
    "پارامتر {name} در این نشانی شناخته نیست؛ پارامترهای شناخته: {known}.",
)
VALUE_NOT_STORABLE = RefusalType(
    "kit.value_not_storable",
    422,
    "A value is outside what can be stored.",
    "یکی از مقدارها بیرون از بازهٔ قابل ثبت است.",
)
CONFLICT = RefusalType(
    "kit.conflict",
    409,
    "This contradicts what is already stored.",
    "این درخواست با آنچه پیش‌تر ثبت شده ناسازگار است.",
)
IDEMPOTENCY_KEY_REUSED = RefusalType(
    "kit.idempotency_key_reused",
    422,
    "This Idempotency-Key was used for another request.",
    "این کلید یکتایی (Idempotency-Key) پیش‌تر برای درخواست دیگری به کار رفته است.",
)
IDEMPOTENCY_ANSWER_UNREADABLE = RefusalType(
    "kit.idempotency_answer_unreadable",
    409,
    "The request was carried out earlier; its answer can no longer be shown.",
    "این درخواست پیش‌تر انجام شده است و پاسخ آن دیگر قابل نمایش نیست.",
)
CONTENTION = RefusalType(
    "kit.contention",
    503,
    "Too many changes to the same thing at once; nothing was done. Ask again.",
    "تغییرهای هم‌زمان زیادی روی همین مورد بود و کاری انجام نشد. دوباره درخواست کنید.",
)
DATABASE_UNAVAILABLE = RefusalType(
    "kit.database_unavailable",
    503,
    "The database cannot answer now. Ask again.",
    "پایگاه داده اکنون پاسخ نمی‌دهد. دوباره درخواست کنید.",
)
OUTCOME_UNKNOWN = RefusalType(
    "kit.outcome_unknown",
    503,
    "It is not known whether this was done. Ask again with the same Idempotency-Key.",
    "معلوم نیست این کار انجام شده باشد. با همان Idempotency-Key دوباره درخواست کنید.",
)
IDENTITY_UNAVAILABLE = RefusalType(
    "kit.identity_unavailable",
    503,
    "Tokens cannot be verified now, because the issuer does not answer.",
    "صادرکنندهٔ توکن پاسخ نمی‌دهد و ورود قابل بررسی نیست.",
)
INTERNAL_ERROR = RefusalType(
    "kit.internal_error",
    500,
    "Something went wrong on our side. Quote the correlation id when reporting it.",
    "خطایی در سامانه رخ داد. هنگام گزارش، شناسهٔ پیگیری را ذکر کنید.",
)

CATALOGUE: Final[Mapping[str, RefusalType]] = {
    value.code: value for value in tuple(globals().values()) if isinstance(value, RefusalType)
}

_TITLES_FA: Final[Mapping[int, str]] = {
    400: "درخواست نادرست",
    401: "نیاز به ورود",
    403: "اجازه داده نشد",
    404: "یافت نشد",
    405: "روش پذیرفته نیست",
    406: "قالب پاسخ پذیرفته نیست",
    409: "ناسازگاری",
    410: "دیگر در دسترس نیست",
    412: "پیش‌شرط برقرار نیست",
    413: "بدنه بیش از اندازه بزرگ است",
    415: "قالب پشتیبانی نمی‌شود",
    422: "مقدار نادرست",
    423: "قفل شده است",
    429: "درخواست بیش از اندازه",
    500: "خطای داخلی",
    503: "موقتاً در دسترس نیست",
}
_LANGUAGE_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?)\s*)?"
)


def choose_language(accept_language: str | None) -> Language:
    """Persian or English by an Accept-Language header (RFC 9110 §12.5.4); English when neither is asked for."""
    quality: dict[str, float] = {}
    for part in (accept_language or "")[:ACCEPT_LANGUAGE_CHARACTERS_MAX].split(","):
        match = _LANGUAGE_RANGE.fullmatch(part)
        if match is not None:
            primary = match[1].lower().partition("-")[0]
            quality[primary] = max(quality.get(primary, 0.0), min(float(match[2] or 1), 1.0))
    anything = quality.get("*", 0.0)
    return "fa" if quality.get("fa", anything) > quality.get("en", anything) else "en"


def title_of(status: int, language: Language) -> str:
    """Short name of an HTTP status, for people."""
    if language == "fa":
        return _TITLES_FA.get(status, "درخواست پذیرفته نشد")
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def problem_document(refusal: Refusal, *, language: Language, correlation_id: str) -> dict[str, Any]:
    """The members of the problem+json answer; `safeguard` and its text are there only where the refusal serves one."""
    reason = refusal.reason
    document: dict[str, Any] = {
        "type": f"urn:payesh:problem:{reason.code}",
        "title": title_of(reason.status, language),
        "status": reason.status,
        "detail": refusal.text(language),
        "code": reason.code,
        "correlation_id": correlation_id,
        "details": refusal.details,
    }
    if reason.safeguard is not None:
        rule = SAFEGUARDS[reason.safeguard]
        document |= {"safeguard": reason.safeguard, "safeguard_fa": rule.fa, "safeguard_en": rule.en}
    return document


def encode_problem(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS)


def problem_headers(reason: RefusalType, language: Language) -> dict[str, str]:
    """Headers that belong to a refusal: how to authenticate, when to ask again, which language this is."""
    headers = {"content-language": language, "vary": "Accept-Language", "cache-control": "no-store"}
    if reason in (PASSWORD_MISSING, PASSWORD_WRONG):
        headers["www-authenticate"] = 'Basic realm="payesh", charset="UTF-8"'
    elif reason is PASSWORD_TRIES_TOO_MANY:
        headers["retry-after"] = str(PASSWORD_TRIES_WINDOW_S)
    elif reason.status == HTTPStatus.UNAUTHORIZED:
        bad_token = "" if reason is TOKEN_MISSING else ' error="invalid_token"'
        headers["www-authenticate"] = f"Bearer{bad_token}"
    elif reason.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_AFTER_S)
    return headers
