"""Each metric is named once, ours by prefix and with its unit, and they all come out."""

import ast
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from shared.kit import metrics


def test_names_are_unique_prefixed_and_documented() -> None:
    families = [family for collector in metrics.METRICS for family in collector.describe()]
    assert len(families) == len(metrics.METRICS)
    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    assert all(name.startswith("payesh_") for name in names)
    assert all(family.documentation for family in families)


def test_the_list_is_whole() -> None:
    tree = ast.parse(Path(metrics.__file__).read_text("utf-8"))
    made = [node for node in tree.body if isinstance(node, ast.AnnAssign) and _is_metric(node)]
    assert len(made) == len(metrics.METRICS)


def _is_metric(node: ast.AnnAssign) -> bool:
    return isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") in {"Gauge", "Counter", "Histogram"}


def test_nobody_else_makes_a_metric() -> None:
    root = Path(metrics.__file__).parents[2]
    files = [path for folder in ("shared", "services", "deploy") for path in (root / folder).rglob("*.py")]
    assert [path for path in files if _calls_prometheus(ast.parse(path.read_text("utf-8")))] == [Path(metrics.__file__)]


def _calls_prometheus(tree: ast.Module) -> bool:
    nodes = list(ast.walk(tree))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return any(isinstance(node, ast.Call) and getattr(node.func, "id", None) in names for node in nodes)


def test_the_exposition_can_be_read_back() -> None:
    metrics.HTTP_REQUESTS.labels("GET", "/x", "200").inc()
    families = {family.name for family in text_string_to_metric_families(metrics.exposition().decode())}
    assert {"payesh_http_requests", "payesh_outbox_depth_events", "process_resident_memory_bytes"} <= families
