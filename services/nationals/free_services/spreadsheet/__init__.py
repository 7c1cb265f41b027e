"""Spreadsheets in and out: a hostile XLSX becomes rows within named limits or a Refusal; a template becomes an XLSX.

XLSX is read piece by piece by the standard library's expat: a reader that builds the whole sheet would make room for every
cell between two that lie far apart, and so could be made to take any amount of memory by a few bytes.
"""

from services.nationals.free_services.spreadsheet.reading import FILE_BYTES_MAX, ReadSheet, read_sheet
from services.nationals.free_services.spreadsheet.report_template import MEDIA_TYPE, write_report_template

__all__ = ["FILE_BYTES_MAX", "MEDIA_TYPE", "ReadSheet", "read_sheet", "write_report_template"]
