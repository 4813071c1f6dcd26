-- What each group of agents did in a simulated market and what it earned.
-- Grain: one row a run and group of agents.
SELECT
    run_id, group_name,
    count(*) AS n_agents,
    sum(n_turns) AS n_turns,
    sum(n_orders) AS n_orders,
    sum(n_cancels) / nullif(sum(n_orders), 0) AS cancels_per_order,
    sum(n_fills) AS n_fills,
    sum(n_rejected) AS n_rejected,
    sum(volume_shares) AS volume_shares,
    max(last_turn_utc) AS last_turn_utc,
    sum(fees_cash) AS fees_cash,
    sum(equity_cash) AS equity_cash,
    sum(pnl_cash) AS pnl_cash
FROM market_agents
GROUP BY run_id, group_name
