"""The chart's two forms, each copied once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart import charts
from tests.chart.charts import Rendered


@pytest.fixture(scope="session")
def own_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart's own templates: a copy that declares no dependencies."""
    return charts.copied(tmp_path_factory.mktemp("own"), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test that needs the dependencies' archives, where they are not given, say so by its name."""
    if charts.archives() is not None:
        return
    how = "run `helm dependency build helm/somahub`, or name their folder in SOMAHUB_CHARTS"
    for item in items:
        if "whole_chart" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(f"{item.name} needs {' and '.join(charts.ARCHIVES)}: {how}"))


@pytest.fixture(scope="session")
def whole_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with Zero-to-JupyterHub and Dask Gateway."""
    folder = charts.archives()
    assert folder is not None
    return charts.copied(tmp_path_factory.mktemp("whole"), folder)


@pytest.fixture(scope="session")
def own(own_chart: Path) -> Rendered:
    """The chart's own objects."""
    return charts.render(own_chart)


@pytest.fixture(scope="session")
def whole(whole_chart: Path) -> Rendered:
    """Everything that `helm install` makes."""
    return charts.render(whole_chart)


@pytest.fixture(scope="session")
def whole_with_gateway(whole_chart: Path) -> Rendered:
    """Everything that `helm install` makes with Dask Gateway on."""
    return charts.render(whole_chart, charts.GATEWAY)
