-- Times below an earlier maximum of equity: from which peak, how deep, and when it was regained.
-- Grain: one row a run, agent and drawdown; recovery_utc is empty while it lasts, peak_utc when it began with the first bar.
WITH numbered AS (
    SELECT
        run_id, agent, close_utc, drawdown_frac,
        count(*) FILTER (WHERE drawdown_frac >= 0) OVER (PARTITION BY run_id, agent ORDER BY close_utc) AS episode
    FROM equity
),
episodes AS (
    SELECT
        run_id, agent, episode,
        min(close_utc) FILTER (WHERE drawdown_frac >= 0) AS peak_utc,
        arg_min(close_utc, drawdown_frac) FILTER (WHERE drawdown_frac < 0) AS trough_utc,
        min(drawdown_frac) AS depth_frac,
        count(*) FILTER (WHERE drawdown_frac < 0) AS n_bars
    FROM numbered
    GROUP BY run_id, agent, episode
)
SELECT
    run_id, agent, peak_utc, trough_utc,
    lead(peak_utc) OVER (PARTITION BY run_id, agent ORDER BY episode) AS recovery_utc,
    depth_frac, n_bars
FROM episodes
QUALIFY n_bars > 0
