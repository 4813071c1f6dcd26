-- What a simulated market was like: its price, activity and costs of trading.
-- Grain: one row a run, symbol and venue.
SELECT
    run_id, symbol, venue,
    count(*) AS n_bars,
    arg_min(mid_price, close_utc) FILTER (WHERE mid_price IS NOT NULL) AS first_mid_price,
    arg_max(mid_price, close_utc) FILTER (WHERE mid_price IS NOT NULL) AS last_mid_price,
    min(low_price) AS low_price,
    max(high_price) AS high_price,
    sum(volume_shares) AS volume_shares,
    sum(n_trades) AS n_trades,
    avg(spread) AS spread,
    10000 * avg(spread / mid_price) AS spread_bps,
    avg(touch_shares) AS touch_shares,
    avg(quoted_frac) AS quoted_frac
FROM market_bars
GROUP BY run_id, symbol, venue
