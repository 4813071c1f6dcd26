"""Simulated markets: a population of agents on an exchange, with or without a run's strategies among them.

How a run flows through this room, from the top down:

1. `marketsim.simulate` asks for `population_alone` where nobody but the population trades, else for `model`, the market as every market
   model is. `model` plays one synthetic stretch of sessions, or by `real_sessions` each real session by itself; `side_by_side` plays a
   run's sessions against bars and among agents.
2. `run` builds one market from a run description: `timetable` (sessions, phases, shocks, news), `holdings` and `population` (its members),
   `fundamentals` or, from real bars, `history` and `bar_path`. What it comes to is a `setting`.
3. `world` is that market at work: `world_memory` lays the setting out for the compiled loop (`marketsim.kernel.simulation`), which lets
   time pass; `watchdog` ends what hangs; `python_agent` takes the turns of compiled kinds that are written in plain Python.
4. Strategies take part through `sessions`: one `trader` each, whose orders and fills `trader_messages` puts into the exchange's words and
   back. They see `live_view`, and `live_bars`: one bar a symbol over all venues, complete the moment it closes.
5. What the loop hands over is added up by `bookkeeping` over the bars of `bar_clock`, one a book, and written down by `capture`. `results`
   reads the sums as the warehouse's tables, and `gates` judges them.

`scale` alone turns ticks and lots into currency and shares.
"""
