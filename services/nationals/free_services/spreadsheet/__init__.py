"""Spreadsheets in and out: a hostile XLSX becomes rows within named limits or a Refusal; a template becomes an XLSX."""

from services.nationals.free_services.spreadsheet.limits import FILE_BYTES_MAX
from services.nationals.free_services.spreadsheet.reading import ReadSheet, read_sheet
from services.nationals.free_services.spreadsheet.report_template import MEDIA_TYPE, write_report_template

__all__ = ["FILE_BYTES_MAX", "MEDIA_TYPE", "ReadSheet", "read_sheet", "write_report_template"]
