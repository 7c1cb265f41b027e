"""Configuration of the nationals service; the periods of the casework are in `casework.periods`."""

from shared.kit.settings import ServiceSettings


class NationalsSettings(ServiceSettings):
    """What every service needs."""
