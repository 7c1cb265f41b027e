"""Where the written standards of the return centres come from: a file that the province can replace."""

from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.nationals.casework.domain.standards import CentreStandards

STANDARDS_FILE = Path(__file__).parent / "centre_standards.yaml"


class _StandardsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str = Field(min_length=1, max_length=100)
    source: str = Field(min_length=1)
    floor_area_m2_per_person: Decimal = Field(gt=0, max_digits=5, decimal_places=2)
    persons_per_toilet: int = Field(ge=1, le=1000)
    persons_per_staff_member: int = Field(ge=1, le=1000)


class _StandardsSetting(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PAYESH_CASEWORK_", frozen=True, extra="ignore")

    standards_file: Path = STANDARDS_FILE


def read_standards(path: Path) -> CentreStandards:
    """The standards written in a file. Raises OSError, or ValueError that names what is wrong with it."""
    import yaml  # noqa: PLC0415 - read once, and only by a process that is asked for standards

    try:
        raw: object = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {error}") from error
    written = _StandardsFile.model_validate(raw)
    return CentreStandards(
        version=written.version,
        floor_area_m2_per_person=written.floor_area_m2_per_person,
        persons_per_toilet=written.persons_per_toilet,
        persons_per_staff_member=written.persons_per_staff_member,
    )


@cache
def centre_standards() -> CentreStandards:
    """The standards of this process, read once. Raises as `read_standards`."""
    return read_standards(_StandardsSetting().standards_file)
