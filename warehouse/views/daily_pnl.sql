-- Profit and loss of each session from close to close, with the cash flows inside it.
-- Grain: one row a run, agent and session.
WITH bar AS (
    SELECT
        run_id, agent, session_date, close_utc, equity_cash, turnover_cash, fees_cash, borrow_cash, dividends_cash,
        coalesce(
            lag(equity_cash) OVER (PARTITION BY run_id, agent ORDER BY close_utc),
            equity_cash / (1 + return_frac)
        ) AS equity_before_cash
    FROM equity
)
SELECT
    run_id, agent, session_date,
    sum(equity_cash - equity_before_cash) AS pnl_cash,
    arg_max(equity_cash, close_utc) / arg_min(equity_before_cash, close_utc) - 1 AS return_frac,
    arg_max(equity_cash, close_utc) AS equity_cash,
    sum(turnover_cash) AS turnover_cash,
    sum(fees_cash) AS fees_cash,
    sum(borrow_cash) AS borrow_cash,
    sum(dividends_cash) AS dividends_cash
FROM bar
GROUP BY run_id, agent, session_date
