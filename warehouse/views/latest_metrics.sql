-- Results of the newest published run of each name; trials of sweeps and walk-forwards left out.
-- Grain: one row a run name, agent and metric.
WITH newest AS (
    SELECT runs.run_id, runs.name, publications.published_utc
    FROM runs
    JOIN publications ON publications.run_id = runs.run_id
    WHERE runs.parent_run_id = ''
    QUALIFY row_number() OVER (PARTITION BY runs.name ORDER BY publications.catalog_version DESC, runs.run_id DESC) = 1
)
SELECT newest.name, newest.run_id, newest.published_utc, metrics.agent, metrics.role, metrics.metric, metrics.value, metrics.unit
FROM newest
JOIN metrics ON metrics.run_id = newest.run_id
