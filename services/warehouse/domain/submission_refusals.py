"""Why something from the field is not taken as it came. Codes are stable; texts are for people, on phones too."""

from shared.contracts.refusals import RefusalType

CONFLICT_OTHER_CONTENT = RefusalType(
    "warehouse.submission.conflict",
    409,
    "This instance id was already received with other content. Both are kept and nothing was overwritten; a person"
    " will decide.",
    "این شناسهٔ ارسال پیش‌تر با محتوای دیگری رسیده است. هر دو نگهداری شد و چیزی بازنویسی نشد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_ALREADY_SUBMITTED = RefusalType(
    "warehouse.submission.already_submitted",
    409,
    "Another submission of this inspection already waits for review. This one is kept beside it; a person will decide.",
    "ارسال دیگری برای این بازرسی در انتظار بازبینی است. این ارسال نیز نگهداری شد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_EDITED_AFTER_REVIEW = RefusalType(
    "warehouse.submission.edited_after_review",
    409,
    "This submission was already reviewed. The edit is kept; a person will decide.",
    "این ارسال پیش‌تر بازبینی و پذیرفته شده است. ویرایش نگهداری شد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_EDIT_OF_OTHER_INSPECTION = RefusalType(
    "warehouse.submission.edit_of_other_inspection",
    409,
    "This edits a submission that was sent for another inspection. It is kept; a person will decide.",
    "این فرم ویرایش ارسالی است که برای بازرسی دیگری رسیده بود. نگهداری شد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_INSPECTION_COMPLETED = RefusalType(
    "warehouse.submission.inspection_completed",
    409,
    "This inspection was already reviewed and approved. The submission is kept; a person will decide.",
    "این بازرسی پیش‌تر بازبینی و پذیرفته شده است. ارسال نگهداری شد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_REASSIGNED = RefusalType(
    "warehouse.submission.reassigned",
    409,
    "This inspection was meanwhile given to another inspector. The submission is kept; a person will decide.",
    "این بازرسی در این میان به بازرس دیگری سپرده شده است. ارسال نگهداری شد؛ یک شخص تصمیم می‌گیرد.",
)
CONFLICT_SETTLED = RefusalType(
    "warehouse.submission.conflict_settled",
    409,
    "A person has decided that the first submission stays; this one is kept in the records.",
    "یک شخص تصمیم گرفته است که ارسال نخست بماند؛ این ارسال در سوابق نگهداری می‌شود.",
)
CONFLICT_NOT_FOUND = RefusalType(
    "warehouse.submission_conflict.not_found",
    404,
    "There is no such conflict in your counties.",
    "چنین ناسازگاری‌ای در شهرستان‌های شما نیست.",
)
CONFLICT_RESOLVED = RefusalType(
    "warehouse.submission_conflict.already_resolved",
    409,
    "This conflict is already resolved.",
    "دربارهٔ این ناسازگاری پیش‌تر تصمیم گرفته شده است.",
)
CONFLICT_OWN = RefusalType(
    "warehouse.submission_conflict.own_submission",
    403,
    "Whoever sent a submission does not decide about it.",
    "فرستنده نمی‌تواند دربارهٔ ارسال خود تصمیم بگیرد.",
)
CONFLICT_OPEN = RefusalType(
    "warehouse.review.conflict_open",
    409,
    "Another submission contradicts this one; decide about it first ({conflict_id}).",
    "ارسال دیگری با این یکی ناسازگار است؛ نخست دربارهٔ آن تصمیم بگیرید ({conflict_id}).",
)
SUBMISSION_CHANGED = RefusalType(
    "warehouse.submission.changed",
    409,
    "Meanwhile another submission has become the one to review. Look at it, then decide.",
    "در این میان ارسال دیگری جای آنچه دیده‌اید را گرفته است. آن را ببینید و سپس تصمیم بگیرید.",
)
EDIT_OF_ITSELF = RefusalType(
    "warehouse.submission.edit_of_itself",
    422,
    "The form names its own instance id as the one that it replaces (deprecated_id, deprecatedID). Give an edit a new"
    " instance id, or leave that field out of a form that replaces none, and send it again. Nothing was kept.",
    "فرم شناسهٔ خودش را به‌عنوان شناسه‌ای آورده است که جایگزین آن می‌شود (deprecated_id، deprecatedID). به ویرایش شناسهٔ"
    " تازه بدهید، یا اگر فرم جایگزین فرمی نیست آن فیلد را نفرستید، و دوباره ارسال کنید. چیزی نگهداری نشد.",
)
FORM_NOT_XML = RefusalType(
    "warehouse.form.not_xml",
    400,
    "The form cannot be read as XML.",
    "فرم به‌عنوان XML خوانده نمی‌شود.",
)
FORM_DTD_FORBIDDEN = RefusalType(
    "warehouse.form.dtd_forbidden",
    400,
    "The form declares a document type or entities; that is not taken.",
    "فرم DTD یا entity تعریف کرده است و پذیرفته نمی‌شود.",
)
FORM_TOO_LARGE = RefusalType(
    "warehouse.form.too_large",
    413,
    "The form is larger than is taken ({limit}).",
    "فرم بزرگ‌تر از حد مجاز است ({limit}).",
)
FORM_PART_MISSING = RefusalType(
    "warehouse.form.part_missing",
    400,
    "The request must have exactly one part xml_submission_file.",
    "درخواست باید درست یک بخش xml_submission_file داشته باشد.",
)
FORM_UNKNOWN = RefusalType(
    "warehouse.form.unknown",
    404,
    "There is no form {form} of version {version}.",
    "فرم {form} با نسخهٔ {version} شناخته نیست.",
)
FORM_ANSWER_MISSING = RefusalType(
    "warehouse.form.answer_missing",
    422,
    "These answers are missing: {questions}.",
    "این پاسخ‌ها نیامده است: {questions}.",
)
FORM_ANSWER_WRONG = RefusalType(
    "warehouse.form.answer_wrong",
    422,
    "These answers cannot be read or are out of range: {questions}.",
    "این پاسخ‌ها خوانده نمی‌شود یا بیرون از بازهٔ مجاز است: {questions}.",
)
FORM_SUBMITTER_MISSING = RefusalType(
    "warehouse.form.submitter_missing",
    422,
    "The submission does not say who made it (_submitted_by).",
    "ارسال نمی‌گوید چه کسی آن را ثبت کرده است (_submitted_by).",
)
INSTANCE_NOT_FOUND = RefusalType(
    "warehouse.form.instance_not_found",
    404,
    "There is no such submission of yours.",
    "چنین ارسالی از شما نیست.",
)
MEDIA_NOT_FOUND = RefusalType(
    "warehouse.form.media_not_found",
    404,
    "There is no such file of the form.",
    "چنین فایلی برای فرم نیست.",
)
