"""Distance on the ground."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000.0


def distance_m(latitude_a: float, longitude_a: float, latitude_b: float, longitude_b: float) -> float:
    """Great-circle distance between two points, given in degrees."""
    a, b = radians(latitude_a), radians(latitude_b)
    half_longitude = radians(longitude_b - longitude_a) / 2
    chord = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(half_longitude) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, chord)))
