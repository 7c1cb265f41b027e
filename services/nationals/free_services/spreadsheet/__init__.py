"""Spreadsheets in and out: a hostile XLSX becomes rows within named limits or a Refusal; a template becomes an XLSX."""

from services.nationals.free_services.spreadsheet.reading import read_sheet
from services.nationals.free_services.spreadsheet.report_template import write_report_template

__all__ = ["read_sheet", "write_report_template"]
