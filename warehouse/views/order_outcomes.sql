-- How orders ended and why, and how much of what was asked for was filled.
-- Grain: one row a run, agent, kind of order, status and reason.
SELECT
    run_id, agent, kind, status, reason,
    count(*) AS n_orders,
    sum(qty_shares) AS qty_shares,
    sum(filled_shares) AS filled_shares,
    sum(filled_shares) / nullif(sum(qty_shares), 0) AS filled_frac
FROM orders
GROUP BY run_id, agent, kind, status, reason
