-- The trades of simulated markets with the names of those who traded.
-- Grain: one row a run and trade.
SELECT
    t.run_id, t.seq, t.time_utc, t.symbol, t.venue, t.price, t.qty_shares, t.aggressor, t.phase,
    maker.agent AS maker, maker.group_name AS maker_group, taker.agent AS taker, taker.group_name AS taker_group,
    t.maker_fee_cash, t.taker_fee_cash
FROM market_trades AS t
INNER JOIN market_agents AS maker ON maker.run_id = t.run_id AND maker.agent_number = t.maker_number
INNER JOIN market_agents AS taker ON taker.run_id = t.run_id AND taker.agent_number = t.taker_number
