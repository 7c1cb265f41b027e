"""Words shown to people, in both languages, for values that events carry as keys."""

from collections.abc import Mapping

from shared.contracts.counties import County

TERMS: Mapping[str, Mapping[str, str]] = {
    "fa": {
        "minor": "جزئی",
        "major": "عمده",
        "critical": "بحرانی",
        "warning": "هشدار",
        "info": "آگاهی",
        "confirmed": "تأیید شده",
        "differs": "مغایر با ثبت",
        "moved": "جابه‌جا شده",
        "closed": "تعطیل",
        "unregistered_found": "انبار ثبت‌نشده",
        "duplicate": "ثبت تکراری",
        "needs_recount": "نیازمند بازشماری",
        "capacity_tonnes": "ظرفیت (تن)",
        "in_use_capacity_tonnes": "ظرفیت در حال استفاده (تن)",
        "floor_area_m2": "مساحت (متر مربع)",
        "kind": "نوع انبار",
        "operator": "بهره‌بردار",
        "operating": "وضعیت فعالیت",
        "location": "محل",
        "biological_hazard": "خطر زیستی",
        "smuggling_suspicion": "ظن قاچاق",
        "health_authority": "مرجع بهداشتی",
        "anti_smuggling_commission": "کمیسیون مبارزه با قاچاق کالا و ارز",
        "family": "خانواده",
        "single": "مجرد",
        "accessible": "دسترس‌پذیر",
        "medical": "درمانی",
        "email": "رایانامه",
        "inbox": "صندوق سامانه",
        "corrective_action_overdue": "اقدام اصلاحی دیرکرده",
        "corrective_action_opened": "اقدام اصلاحی تازه",
        "corrective_action_reopened": "بازگشایی اقدام اصلاحی",
        "essential_stock_low": "کمبود کالای اساسی",
        "discrepancy_found": "مغایرت انبار",
        "warehouse_put_on_hold": "توقف موقت انبار",
        "centre_capacity_threshold_crossed": "ظرفیت مرکز",
        "phase_two_review_requested": "درخواست بررسی حقوقی",
        "return_case_review_overdue": "گذشتن مهلت بازبینی پرونده",
        "alert_undelivered": "هشدار نرسیده",
        "access_and_compound": "دسترسی و محوطه",
        "structure": "سازه",
        "storage_rules": "ضوابط نگهداری",
        "fire_safety": "ایمنی آتش",
        "visual_monitoring": "پایش تصویری",
        "staff_training": "آموزش کارکنان",
        "passive_defence": "پدافند غیرعامل",
        "hygiene_and_biological_hazard": "بهداشت و خطر زیستی",
        "stock_records": "دفاتر موجودی",
        "rice": "برنج",
        "wheat": "گندم",
        "flour": "آرد",
        "sugar": "شکر",
        "pulses": "حبوبات",
        "pasta": "ماکارونی",
        "vegetable_oil": "روغن خوراکی",
        "meat": "گوشت قرمز",
        "poultry": "گوشت مرغ",
        "eggs": "تخم‌مرغ",
        "milk": "شیر",
        "powdered_milk": "شیر خشک",
        "tea": "چای",
        "barley": "جو",
        "maize": "ذرت",
        "soybean_meal": "کنجاله سویا",
    },
    "en": {
        "differs": "differs from the register",
        "closed": "closed",
        "unregistered_found": "unregistered warehouse",
        "capacity_tonnes": "capacity (tonnes)",
        "in_use_capacity_tonnes": "capacity in use (tonnes)",
        "floor_area_m2": "floor area (m²)",
        "anti_smuggling_commission": "commission against smuggling of goods and currency",
        "email": "e-mail",
        "meat": "red meat",
    },
}


def term(key: str, language: str) -> str:
    """The word for `key`; an unknown key is shown as it is, with spaces for underscores."""
    return TERMS[language].get(key, key.replace("_", " "))


def county_label(county: County, language: str) -> str:
    return county.label_fa if language == "fa" else county.value.replace("_", " ").title()
