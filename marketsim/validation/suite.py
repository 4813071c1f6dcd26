"""Running checks as one Great Expectations suite over one frame: in memory, offline, silent."""

from __future__ import annotations

from collections.abc import Sequence

import great_expectations as gx
import numpy as np
import numpy.typing as npt
import pandas as pd
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

from marketsim.errors import DataError
from marketsim.validation.check import Check, Severity
from marketsim.validation.expectations import Expectation

Rows = npt.NDArray[np.int64]

# COMPLETE lists every failing row. Left without named index columns, GX lists the frame's own labels as plain integers;
# with them it builds one dictionary a row, which takes seconds when a large part of a million rows is bad.
RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}

# Great Expectations knows three severities; ours has one more between its warning and its critical.
GX_SEVERITY: dict[Severity, str] = {"info": "info", "warning": "warning", "error": "critical", "critical": "critical"}


def build_suite(name: str, checks: Sequence[Check]) -> gx.ExpectationSuite:
    """Return the suite of all the checks' expectations, each carrying its check's name in ``meta``."""
    expectations = [
        expectation.copy(update={"meta": {"check": check.name}, "severity": GX_SEVERITY[check.severity]})
        for check in checks
        for expectation in check.expectations
    ]
    return gx.ExpectationSuite(name=name, expectations=expectations)


def failing_rows(name: str, checks: Sequence[Check], frame: pd.DataFrame) -> dict[str, Rows]:
    """Validate a frame and return, by check, the sorted labels of the rows that failed it.

    Parameters
    ----------
    name : name of the suite.
    checks : what to look at; every check appears in the answer, with no rows where all passed.
    frame : one row a thing to judge, with an integer index.

    Raises
    ------
    DataError
        Great Expectations could not evaluate an expectation.
    """
    failing: dict[str, Rows] = {check.name: np.empty(0, np.int64) for check in checks}
    suite = build_suite(name, checks)
    if frame.empty or not suite.expectations:
        return failing
    context = gx.get_context(project_config=_silent_config(), mode="ephemeral")
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    # Only the columns that are looked at: the whole frame would be hashed twice.
    looked_at = frame[sorted({column for check in checks for expectation in check.expectations for column in columns_of(expectation)})]
    batch = asset.add_batch_definition_whole_dataframe("all rows").get_batch({"dataframe": looked_at})
    for result in batch.validate(suite, result_format=RESULT_FORMAT).results:
        expectation = result.expectation_config
        assert expectation is not None
        assert expectation.meta is not None
        check_name = expectation.meta["check"]
        if "unexpected_index_list" not in result.result:
            raise DataError(
                f"check {check_name}: Great Expectations could not evaluate {expectation.type} "
                f"({result.exception_info}); this is a fault of the check, not of the data: please report it."
            )
        labels = np.asarray(result.result["unexpected_index_list"], np.int64)
        failing[check_name] = np.union1d(failing[check_name], labels)
    return failing


def _silent_config() -> DataContextConfig:
    """Return settings under which everything stays in memory, nothing is sent anywhere and no progress is printed."""
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )


def columns_of(expectation: Expectation) -> list[str]:
    """Return the columns that an expectation looks at."""
    single = [getattr(expectation, name, None) for name in ("column", "column_A", "column_B")]
    return [*(column for column in single if column is not None), *getattr(expectation, "column_list", ())]
