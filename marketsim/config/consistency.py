"""Whether the parts of a simulated run fit together, so that no setting is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from marketsim.config.population import Group
from marketsim.config.simulated import OrderShock, SimulatedMarket, WithdrawalShock
from marketsim.markets.simulated.fundamentals.spec import LARGEST_TICK
from marketsim.records import MAX_QTY_LOT

if TYPE_CHECKING:
    from marketsim.config.run import RunSpec

MOST_COUNTED = 4e18  # ticks times lots, or lots, of all agents of a group together: what 64 bits hold, and room for trades


def check_simulated(spec: RunSpec, market: SimulatedMarket) -> None:
    """Refuse what a simulated market cannot honour.

    Raises
    ------
    ValueError
        The first thing that does not fit; the message begins with its key.
    """
    if spec.horizon != "intraday" and not market.needs_history:
        raise ValueError(
            "horizon: daily does not fit this simulated market, whose strategies trade within the day; use horizon: intraday, "
            "or the fundamental of kind history"
        )
    if market.needs_history:
        _fits_history(spec, market)
    if spec.end is not None and market.sessions is not None:
        raise ValueError("end: does not fit with market.sessions, which counts the sessions from `start`; keep one of the two")
    for key, unused in _unused(spec):
        if unused:
            raise ValueError(f"{key}: does not apply in market kind simulated, where the venue's fees and prices are paid; remove it")
    if not spec.reads_data:
        _fits_without_data(spec)
    if not market.population and not spec.traders:
        raise ValueError("market.population: is empty and there is no strategy; name a preset, or at least one group")
    if spec.strategy is None:
        _fits_without_strategy(spec)
    _check_population(spec, market)
    _check_events(spec, market)
    names = [venue.name for venue in market.venues]
    if len(set(names)) < len(names):
        raise ValueError(f"market.venues: a name stands twice in {', '.join(names)}; give each venue its own")
    if market.hours is not None and market.hours.close <= market.hours.open:
        raise ValueError(f"market.hours: close {market.hours.close} does not come after open {market.hours.open}; correct one")


def check_simulated_sessions(spec: RunSpec, market: SimulatedMarket) -> None:
    """Refuse sessions that cannot stand beside a backtest.

    Raises
    ------
    ValueError
        The first thing that does not fit; the message begins with its key.
    """
    place = "simulated_sessions.market"
    if spec.market.kind != "bars":
        raise ValueError(f"simulated_sessions: stand beside a backtest against bars, not market kind {spec.market.kind}; remove them")
    if not market.needs_history:
        raise ValueError(f"{place}.fundamental: kind {market.fundamental.kind} does not follow the run's bars; use kind: history")
    if market.sessions is not None or (market.fundamental.kind == "history" and market.fundamental.warm_up_sessions):
        raise ValueError(f"{place}: which sessions are simulated says simulated_sessions.sessions; remove sessions and warm_up_sessions")
    if market.news or market.shocks:
        raise ValueError(f"{place}: news and shocks are for runs of their own; remove them")
    if not market.population:
        raise ValueError(f"{place}.population: is empty; add at least one group")
    _fits_history(spec, market)
    _check_population(spec, market)


def _unused(spec: RunSpec) -> Iterator[tuple[str, bool]]:
    yield "slippage_bps", spec.slippage_bps != 0
    yield "dealer.half_spread_bps", spec.dealer.half_spread_bps != 0
    yield "max_ticks", spec.max_ticks is not None
    yield "account.borrow_rate_bps", spec.account.borrow_rate_bps != 0


def _fits_without_strategy(spec: RunSpec) -> None:
    """Refuse what is about a strategy where there is none."""
    if spec.agents:
        raise ValueError(f"agents: {spec.agents[0].name} trades, but there is no strategy; make one of them the `strategy`")
    about = {"sweep": spec.sweep is not None, "walk_forward": spec.walk_forward is not None}
    for key, is_there in about.items():
        if is_there:
            raise ValueError(f"{key}: compares a strategy's results, but there is no strategy; add one or remove it")


def _fits_history(spec: RunSpec, market: SimulatedMarket) -> None:
    """Refuse what a market that follows real bars cannot honour."""
    kinds = {market.fundamentals.get(symbol, market.fundamental).kind for symbol in spec.symbols}
    if kinds != {"history"}:
        raise ValueError("market.fundamentals: kind history is for all symbols or for none; give every symbol the same kind")
    if market.hours is not None:
        raise ValueError("market.hours: real sessions keep the calendar's hours; remove it")
    if market.correlation is not None:
        raise ValueError("market.correlation: real bars bring their own; remove it")
    if market.fundamental.kind == "history":
        for group, names in market.fundamental.scale_with_volume.items():
            known = market.population.get(group)
            if known is None:
                raise ValueError(f"market.fundamental.scale_with_volume: {group} is not a group of the population; correct it")
            for name in names:
                if isinstance(known.parameters.get(name), bool) or not isinstance(known.parameters.get(name), int | float):
                    raise ValueError(
                        f"market.fundamental.scale_with_volume: {group} sets no number for {name}; "
                        f"write it under market.population.{group}.parameters"
                    )


def _fits_without_data(spec: RunSpec) -> None:
    """Refuse what asks for data where the market makes its own."""
    if spec.benchmark is not None:
        raise ValueError("benchmark: needs data, but the fundamentals of this market are synthetic; remove it")
    if [provider.kind for provider in spec.providers] != ["sample"]:
        raise ValueError("providers: are not asked for anything, as the fundamentals of this market are synthetic; remove them")


def _check_population(spec: RunSpec, market: SimulatedMarket) -> None:
    venues = [venue.name for venue in market.venues]
    for name, group in market.population.items():
        if name in ("strategy", "benchmark", *(agent.name for agent in spec.agents)):
            raise ValueError(f"market.population: the name {name} is taken; rename the group")
        for symbol in group.symbols or ():
            if symbol not in spec.symbols:
                raise ValueError(f"market.population.{name}.symbols: {symbol} is not among the run's symbols; add it there or correct it")
        if group.venue is not None and group.venue not in venues:
            raise ValueError(f"market.population.{name}.venue: {group.venue} is not among the venues {', '.join(venues)}; correct it")
        _countable(f"market.population.{name}", group, market)


def _countable(place: str, group: Group, market: SimulatedMarket) -> None:
    """Refuse amounts that are too many ticks and lots for an account to count."""
    tick_lot = market.tick_size * market.lot_size
    amounts = (
        ("cash", group.cash, group.count, tick_lot, "ticks times lots"),
        ("limits.lowest_cash", group.limits.lowest_cash, 1, tick_lot, "ticks times lots"),
        ("position_shares", group.position_shares, group.count, market.lot_size, "lots"),
        ("limits.largest_position_shares", group.limits.largest_position_shares, 1, market.lot_size, "lots"),
    )
    for key, amount, count, unit, units in amounts:
        if amount is not None and abs(amount) * count > MOST_COUNTED * unit:
            raise ValueError(
                f"{place}.{key}: {amount:g} for {count} is more than {MOST_COUNTED:.0e} {units}, which accounts cannot count; "
                "lower it, or make market.tick_size or lot_size larger"
            )


def _check_events(spec: RunSpec, market: SimulatedMarket) -> None:
    for section, events in (("news", market.news), ("shocks", market.shocks)):
        for number, event in enumerate(events):
            where = f"market.{section}.{number}"
            if event.symbol is not None and event.symbol not in spec.symbols:
                raise ValueError(f"{where}.symbol: {event.symbol} is not among the run's symbols; correct it")
            if spec.end is None and event.session >= (market.sessions or 1):
                raise ValueError(f"{where}.session: {event.session} is not simulated, sessions are numbered from 0; correct it")
            if isinstance(event, WithdrawalShock) and event.group not in market.population:
                raise ValueError(f"{where}.group: {event.group} is not a group of the population; correct it")
            if isinstance(event, OrderShock) and event.venue not in (None, *(venue.name for venue in market.venues)):
                raise ValueError(f"{where}.venue: {event.venue} is not among the venues; correct it")
            if isinstance(event, OrderShock):
                _fits_exchange(where, event, market)


def _fits_exchange(where: str, event: OrderShock, market: SimulatedMarket) -> None:
    """Refuse an order that no exchange takes."""
    if not 0.5 < event.qty_shares / market.lot_size <= MAX_QTY_LOT:
        raise ValueError(
            f"{where}.qty_shares: {event.qty_shares:g} shares are {event.qty_shares / market.lot_size:g} lots of {market.lot_size:g}; "
            f"an order has 1 to {MAX_QTY_LOT:.0e}"
        )
    if event.limit_price is not None and not 0.5 < event.limit_price / market.tick_size <= LARGEST_TICK:
        raise ValueError(
            f"{where}.limit_price: {event.limit_price:g} is {event.limit_price / market.tick_size:g} ticks of {market.tick_size:g}; "
            f"a price has 1 to {LARGEST_TICK:.0e}"
        )
