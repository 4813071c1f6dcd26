-- What each run was and how its strategy did, newest first; a figure is empty where it is not defined.
-- Grain: one row a published run.
WITH headline AS (
    SELECT
        run_id,
        max(value) FILTER (WHERE metric = 'total_return') AS total_return_frac,
        max(value) FILTER (WHERE metric = 'cagr') AS cagr_frac,
        max(value) FILTER (WHERE metric = 'volatility') AS volatility_frac,
        max(value) FILTER (WHERE metric = 'sharpe') AS sharpe,
        max(value) FILTER (WHERE metric = 'max_drawdown') AS max_drawdown_frac
    FROM metrics
    WHERE role = 'strategy'
    GROUP BY run_id
),
checks AS (
    SELECT run_id, count(*) FILTER (WHERE NOT success) AS n_failed_checks
    FROM findings
    GROUP BY run_id
)
SELECT
    runs.run_id, runs.name, runs.market, runs.horizon, runs.status, runs.start_date, runs.end_date, runs.n_symbols, runs.n_bars,
    headline.total_return_frac, headline.cagr_frac, headline.volatility_frac, headline.sharpe, headline.max_drawdown_frac,
    coalesce(checks.n_failed_checks, 0) AS n_failed_checks, runs.parent_run_id, publications.published_utc, publications.catalog_version
FROM runs
JOIN publications ON publications.run_id = runs.run_id
LEFT JOIN headline ON headline.run_id = runs.run_id
LEFT JOIN checks ON checks.run_id = runs.run_id
ORDER BY publications.catalog_version DESC, runs.run_id
