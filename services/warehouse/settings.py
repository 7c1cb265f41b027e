"""Configuration of the warehouse service."""

from shared.kit.settings import ServiceSettings


class WarehouseSettings(ServiceSettings):
    """What every service needs; the warehouse service's own limits are constants beside what they limit."""
