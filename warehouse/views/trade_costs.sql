-- What trading cost, by cause and in basis points of the notional traded.
-- Grain: one row a run, agent and symbol that traded.
WITH cost AS (
    SELECT
        run_id, agent, symbol,
        count(*) AS n_fills,
        sum(qty_shares * reference_price) AS notional_cash,
        sum(fee_cash) AS fee_cash,
        sum(spread_cost_cash) AS spread_cost_cash,
        sum(slippage_cost_cash) AS slippage_cost_cash,
        sum(impact_cost_cash) AS impact_cost_cash
    FROM fills
    GROUP BY run_id, agent, symbol
)
SELECT
    run_id, agent, symbol, n_fills, notional_cash, fee_cash, spread_cost_cash, slippage_cost_cash, impact_cost_cash,
    fee_cash + spread_cost_cash + slippage_cost_cash + impact_cost_cash AS total_cost_cash,
    10000 * (fee_cash + spread_cost_cash + slippage_cost_cash + impact_cost_cash) / nullif(notional_cash, 0) AS total_cost_bps
FROM cost
