"""Uploaded workbooks: bounded, and read aside, one at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from fastapi import UploadFile

from services.nationals.free_services.spreadsheet import read_sheet
from shared.spreadsheet.upload import FILE_BYTES_MAX, ReadSheet

_reader: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workbook-reader")


async def read_upload(file: UploadFile) -> ReadSheet:
    """The rows of an uploaded XLSX. Raises Refusal."""
    content = await file.read(FILE_BYTES_MAX + 1)
    return await asyncio.get_running_loop().run_in_executor(_reader, read_sheet, content)
