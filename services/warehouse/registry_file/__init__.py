"""Registry files: bytes become rows that are judged alone, within named limits, or a Refusal.

XLSX and CSV are read piece by piece in this process; XLS, whose reader holds a whole workbook, in a child of its own.
What is read waits on the disk, so that the memory it takes does not grow with the file.
"""

from services.warehouse.registry_file.limits import COLUMNS_MAX, FILE_BYTES_MAX, ROWS_MAX
from services.warehouse.registry_file.mapping_file import MAPPING_BYTES_MAX, read_mapping
from services.warehouse.registry_file.progress import Progress
from services.warehouse.registry_file.reading import read_registry, read_rows
from services.warehouse.registry_file.spool import ReadRegistry

__all__ = [
    "COLUMNS_MAX",
    "FILE_BYTES_MAX",
    "MAPPING_BYTES_MAX",
    "ROWS_MAX",
    "Progress",
    "ReadRegistry",
    "read_mapping",
    "read_registry",
    "read_rows",
]
