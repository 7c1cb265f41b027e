"""What states and steps are called, in English and Persian, for people who read about them."""

from collections.abc import Mapping

from services.nationals.casework.domain.case_facts import CaseState as S
from services.nationals.casework.domain.steps import Step

STATE_NAMES: Mapping[S, tuple[str, str]] = {
    S.OPENED: ("opened", "گشوده"),
    S.INFORMED: ("informed", "آگاه‌شده"),
    S.CONSENTED: ("consented", "رضایت داده"),
    S.BOOKED: ("booked", "رزروشده"),
    S.WITHDRAWN: ("withdrawn", "منصرف"),
    S.DEPARTED: ("departed", "عزیمت کرده"),
    S.SPLIT: ("split", "جداشده"),
    S.AWAITING_LEGAL_REVIEW: ("awaiting legal review", "در انتظار بررسی حقوقی"),
    S.DECISION_SERVED: ("decision served", "تصمیم ابلاغ‌شده"),
    S.APPEALED: ("appealed", "در اعتراض"),
    S.REFERRED: ("referred to the competent authority", "ارجاع‌شده به مرجع صالح"),
    S.CLOSED: ("closed", "بسته"),
}

STEP_NAMES: Mapping[Step, tuple[str, str]] = {
    Step.GIVE_INFORMATION: ("Give information", "اطلاع‌رسانی"),
    Step.SCREEN_PERSON: ("Screen a person for protection", "غربالگری حمایتی یک نفر"),
    Step.HEAR_PRIVATELY: ("Hear an adult privately", "شنیدن بزرگسال به‌تنهایی"),
    Step.RECORD_CHILD_PROTECTION: ("Record the protection of an unaccompanied child", "ثبت حمایت از کودک بدون همراه"),
    Step.RECORD_CONSENT: ("Record consent", "ثبت رضایت"),
    Step.RECORD_PRESSURE: ("Record a sign of pressure", "ثبت نشانهٔ فشار"),
    Step.RECONFIRM: ("Reconfirm before departure", "تأیید دوباره پیش از عزیمت"),
    Step.BOOK_PLACES: ("Book places", "رزرو جا"),
    Step.END_BOOKING: ("End a booking", "پایان رزرو"),
    Step.ADMIT_HOUSEHOLD: ("Admit the household to its centre", "پذیرش خانوار در مرکز"),
    Step.JOIN_WAITING_LIST: ("Join the waiting list", "ثبت در فهرست انتظار"),
    Step.OFFER_PLACES: ("Offer places that became free", "پیشنهاد جاهای آزادشده"),
    Step.ACCEPT_OFFER: ("Accept an offer of places", "پذیرش پیشنهاد جا"),
    Step.DEPART: ("Depart", "عزیمت"),
    Step.REQUEST_SPLIT: ("Make a protected request to split", "درخواست محافظت‌شدهٔ جدایی"),
    Step.SPLIT_HOUSEHOLD: ("Split the household", "جدا کردن خانوار"),
    Step.WITHDRAW: ("Withdraw", "انصراف"),
    Step.LAPSE_VOLUNTARY_PERIOD: ("Lapse of the voluntary period", "پایان دورهٔ داوطلبانه"),
    Step.TAKE_REVIEW: ("Take the legal review", "بر عهده گرفتن بررسی حقوقی"),
    Step.RECORD_ASSESSMENT: ("Record the assessment of this household", "ثبت ارزیابی همین خانوار"),
    Step.PROPOSE_OUTCOME: ("Propose an outcome", "پیشنهاد نتیجه"),
    Step.CONFIRM_OUTCOME: ("Confirm the proposed outcome", "تأیید نتیجهٔ پیشنهادی"),
    Step.RETURN_PROPOSAL: ("Return the proposal with a reason", "بازگرداندن پیشنهاد با ذکر دلیل"),
    Step.SERVE_DECISION: ("Serve the written decision", "ابلاغ تصمیم کتبی"),
    Step.LODGE_APPEAL: ("Lodge an appeal", "ثبت اعتراض"),
    Step.ANNUL_DECISION: ("Annul the decision on appeal", "ابطال تصمیم در پی اعتراض"),
    Step.UPHOLD_DECISION: ("Uphold the decision on appeal", "ابقای تصمیم در پی اعتراض"),
    Step.REFER_TO_COMPETENT_AUTHORITY: ("Refer to the competent authority", "ارجاع به مرجع صالح"),
    Step.RETURN_TO_VOLUNTARY_STAGE: ("Return to the voluntary stage", "بازگشت به مرحلهٔ داوطلبانه"),
    Step.CLOSE: ("Close with an outcome that is no measure", "بستن با نتیجه‌ای که اقدام نیست"),
}


def state_names(state: S) -> tuple[str, str]:
    """(English, Persian); a state without names is shown by its key."""
    return STATE_NAMES.get(state, (state.value.replace("_", " "), state.value))


def step_names(step: Step) -> tuple[str, str]:
    """(English, Persian); a step without names is shown by its key."""
    return STEP_NAMES.get(step, (step.value.replace("_", " ").capitalize(), step.value))
