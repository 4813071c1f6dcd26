-- Compounded return of each calendar month, the benchmark's beside it where the run has one.
-- Grain: one row a run, agent and month; the month is given by its first day.
WITH monthly AS (
    SELECT run_id, agent, date_trunc('month', session_date)::DATE AS month_date, product(1 + return_frac) - 1 AS return_frac
    FROM equity
    GROUP BY run_id, agent, month_date
)
SELECT monthly.run_id, monthly.agent, monthly.month_date, monthly.return_frac, benchmark.return_frac AS benchmark_return_frac
FROM monthly
LEFT JOIN monthly AS benchmark
    ON benchmark.run_id = monthly.run_id AND benchmark.month_date = monthly.month_date AND benchmark.agent = 'benchmark'
