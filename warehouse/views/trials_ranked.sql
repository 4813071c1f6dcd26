-- Trials of sweeps and walk-forwards, best first within each run, window and sample; undefined results come last.
-- Grain: one row a trial.
SELECT
    run_id, window_number, sample,
    rank() OVER (PARTITION BY run_id, window_number, sample ORDER BY value DESC NULLS LAST) AS trial_rank,
    trial, n_trials, metric, value, sharpe, total_return_frac, max_drawdown_frac, chosen, parameters_json, start_date, end_date
FROM trials
ORDER BY run_id, window_number, sample, trial_rank, trial
