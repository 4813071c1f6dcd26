"""The fast way to write an agent in Python: ticks and lots, one method, turns at times it chooses, a few microseconds each.

Where a strategy (`marketsim.agents.strategy`) speaks of shares and currency, wakes by bars and runs in every market, this one sits directly
at the simulated exchange, as the compiled agents do.
"""

from __future__ import annotations

import ctypes
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable

from marketsim.errors import MarketsimError, StrategyError
from marketsim.kernel.simulation import world as w
from marketsim.markets.simulated.world import World
from marketsim.records import MESSAGE, Kind, Tif

_LETTERS = {"int64": "q", "int32": "i", "int16": "h", "int8": "b"}
# NumPy aligns MESSAGE like C does, and so does struct in native mode.
_MESSAGE = struct.Struct("@" + "".join(_LETTERS[MESSAGE[name].name] for name in MESSAGE.names or ()))
pack_into, MESSAGE_BYTES = _MESSAGE.pack_into, MESSAGE.itemsize
# Plain numbers: members of an enum cost as much to look up as a message to write.
LIMIT, MARKET, CANCEL, REPLACE, CANCEL_OWNER = (k.value for k in (Kind.LIMIT, Kind.MARKET, Kind.CANCEL, Kind.REPLACE, Kind.CANCEL_OWNER))
GTC = Tif.GTC.value
ROOM = 64  # messages a turn before the buffer grows
LATEST_NS = 2**62  # of a wake-up: the year 2116
NO_PRICE = 2**60  # what `bid_tick`, `ask_tick` and `last_tick` are where there is none

_SHOWN = w.SHOWN.names or ()
(NOW, TURN, BID, BID_LOT, ASK, ASK_LOT, LAST, PHASE, POSITION, CASH, BOUGHT, SOLD, BOUGHT_CASH, SOLD_CASH, NEXT_ID, NEWS) = (
    _SHOWN.index(name)
    for name in (
        "now_ns", "turn", "bid_tick", "bid_lot", "ask_tick", "ask_lot", "last_tick", "phase", "position_lot", "cash_tick_lot",
        "bought_lot", "sold_lot", "bought_tick_lot", "sold_tick_lot", "next_order_id", "news_code",
    )
)  # fmt: skip
ANSWERED, MESSAGES, N_MESSAGES, WAKE = (
    (w.WORLD.names or ()).index(name) for name in ("answered", "answer_messages", "n_answer", "answer_wake_ns")
)


class PythonAgent(ABC):
    """An agent of the simulated market in Python. Subclass it, write ``on_turn``, and let `taking_turns` take its turns in `World.run`."""

    @abstractmethod
    def on_turn(self, market: MarketTurn) -> int | None:
        """Look, send, and return when to be woken next, ns of the agent's clock; None for only when something happens to its orders.

        The first turn is `records.Turn.START`.
        """


class MarketTurn:
    """What an agent sees and may do in its turn, of its own symbol and venue: ticks, lots, and ns of its own clock.

    One object serves all turns of a market; an agent must not keep it.
    """

    __slots__ = ("_address", "_buffer", "_header", "_n_new", "_place", "_seen", "_symbol", "_venue")

    def __init__(self, world: World, number: int) -> None:
        self._seen = world.shown.data.cast("B").cast("q")
        self._symbol, self._venue = int(world.agents[number]["symbol"]), int(world.agents[number]["venue"])
        self._header = world.words
        self._place = self._n_new = 0
        self._make_room(ROOM * MESSAGE_BYTES)

    now_ns = property(lambda self: self._seen[NOW], doc="The agent's clock, ns.")
    turn = property(lambda self: self._seen[TURN], doc="Why it is its turn: records.Turn.")
    bid_tick = property(lambda self: self._seen[BID], doc="Best price of buyers, or NO_PRICE.")
    bid_lot = property(lambda self: self._seen[BID_LOT], doc="Lots shown there.")
    ask_tick = property(lambda self: self._seen[ASK], doc="Best price of sellers, or NO_PRICE.")
    ask_lot = property(lambda self: self._seen[ASK_LOT], doc="Lots shown there.")
    last_tick = property(lambda self: self._seen[LAST], doc="Price of the last trade, or NO_PRICE.")
    phase = property(lambda self: self._seen[PHASE], doc="Session phase: records.Phase.")
    position_lot = property(lambda self: self._seen[POSITION], doc="Lots held, negative when short.")
    cash_tick_lot = property(lambda self: self._seen[CASH], doc="Cash, ticks times lots; fees apart.")
    bought_lot = property(lambda self: self._seen[BOUGHT], doc="Lots bought since its latest turn.")
    sold_lot = property(lambda self: self._seen[SOLD], doc="Lots sold since its latest turn.")
    bought_tick_lot = property(lambda self: self._seen[BOUGHT_CASH], doc="Ticks times lots paid since its latest turn.")
    sold_tick_lot = property(lambda self: self._seen[SOLD_CASH], doc="Ticks times lots received since its latest turn.")
    news_code = property(lambda self: self._seen[NEWS], doc="What the latest news mean: records.NewsCode, or a number of the user's own.")

    def limit(self, side: int, price_tick: int, qty_lot: int, tif: int = GTC) -> int:
        """Send a limit order; return its order_id."""
        return self.send(LIMIT, side, qty_lot, price_tick, tif)

    def market_order(self, side: int, qty_lot: int) -> int:
        """Send a market order; return its order_id."""
        return self.send(MARKET, side, qty_lot)

    def send(  # noqa: PLR0913, PLR0917 - one argument a field of MESSAGE; by keyword they cost a microsecond
        self,
        kind: int,
        side: int,
        qty_lot: int,
        price_tick: int = 0,
        tif: int = 0,
        flags: int = 0,
        stop_tick: int = 0,
        display_lot: int = 0,
        expire_ns: int = 0,
        min_qty_lot: int = 0,
    ) -> int:
        """Send a new order of any kind; return its order_id. The arguments are the fields of records.MESSAGE."""
        order_id: int = self._seen[NEXT_ID] + self._n_new
        self._n_new += 1
        pack_into(
            self._buffer, self._place, 0, kind, 0, 0, side, price_tick, qty_lot, stop_tick, display_lot, tif, flags,
            self._symbol, self._venue, expire_ns, min_qty_lot,
        )  # fmt: skip
        self._step()
        return order_id

    def cancel(self, order_id: int) -> None:
        """Ask for an own order to be cancelled; it comes too late for what has traded by then."""
        self._change(CANCEL, order_id, 0, 0)

    def cancel_all(self) -> None:
        """Ask for every own order in this symbol and venue to be cancelled."""
        self._change(CANCEL_OWNER, 0, 0, 0)

    def replace(self, order_id: int, price_tick: int, qty_lot: int) -> None:
        """Ask for an own order to have another price and open quantity."""
        self._change(REPLACE, order_id, price_tick, qty_lot)

    def _change(self, kind: int, order_id: int, price_tick: int, qty_lot: int) -> None:
        pack_into(
            self._buffer, self._place, 0, kind, order_id, 0, 0, price_tick, qty_lot, 0, 0, 0, 0, self._symbol, self._venue, 0, 0
        )  # fmt: skip
        self._step()

    def _step(self) -> None:
        self._place += MESSAGE_BYTES
        if self._place == len(self._buffer):
            self._make_room(2 * len(self._buffer))

    def finish(self, wake_ns: int) -> None:
        """End the turn: send what was written, and be woken at a time; 0 for never."""
        words = self._header
        words[MESSAGES], words[N_MESSAGES], words[WAKE], words[ANSWERED] = self._address, self._place // MESSAGE_BYTES, wake_ns, 1
        self._place = self._n_new = 0

    def _make_room(self, n_bytes: int) -> None:
        written = getattr(self, "_buffer", b"")
        self._buffer = bytearray(n_bytes)
        self._buffer[: len(written)] = written
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))


def taking_turns(agent: PythonAgent) -> Callable[[World, int], None]:
    """Return what takes an agent's turns, for `World.run`; it serves one market.

    Raises
    ------
    StrategyError
        From what is returned: the agent raised or returned nonsense; the message names it, the time and the reason.
    """
    market: MarketTurn | None = None

    def take(world: World, number: int) -> None:
        nonlocal market
        if market is None:
            market = MarketTurn(world, number)
        try:
            wake_ns = agent.on_turn(market)
        except MarketsimError as error:
            raise StrategyError(world.accusation(str(error).rstrip("."))) from error
        except Exception as error:
            raise StrategyError(world.accusation(f"it raised {type(error).__name__}: {error}")) from error
        if wake_ns is None:
            wake_ns = 0
        elif type(wake_ns) is not int or not 0 <= wake_ns <= LATEST_NS:
            raise StrategyError(world.accusation(f"its turn returned {wake_ns!r}, expected when to be woken, whole ns, or None"))
        market.finish(wake_ns)

    return take
