"""The simulation: whatever is due next happens, until something outside is needed or the time is over."""

from __future__ import annotations

from marketsim.kernel.book_state import NONE, engine_at, message_at, slot_at
from marketsim.kernel.compile import entry, inlined, inner
from marketsim.kernel.memory import caller, free, load_i64, prefetch, store_i64, telling_caller
from marketsim.kernel.order_ids import find_order
from marketsim.kernel.simulation.actions import MOST_MESSAGES_A_TURN, accuse, give_letter, letter_from, new_order, take_letter, wake_at
from marketsim.kernel.simulation.booking import book_tape
from marketsim.kernel.simulation.event_queue import drop_first, first_item, open_queue, push, push_turn
from marketsim.kernel.simulation.recording import MESSAGE_BYTES, is_full, next_sample_ns, write_order, write_sample, write_touches
from marketsim.kernel.simulation.reports import remember_touch, show
from marketsim.kernel.simulation.streams import delay_ns
from marketsim.kernel.simulation.world import (
    ACCOUNTS,
    AGENT,
    ARRIVAL,
    DEPTHS,
    FAULT,
    FINISHED,
    FULL,
    NEWS,
    NO_FAULT,
    ONLY_FROM_OUTSIDE,
    ORDER_OF_ANOTHER,
    OUTSIDE,
    PYTHON_TURN,
    RAISED,
    SAMPLE,
    TAKEN_UP,
    TOO_MANY_MESSAGES,
    TOO_MANY_TURNS,
    TURN,
    agent_at,
    desk_at,
    key_at,
    news_at,
    session_at,
    world_at,
)
from marketsim.kernel.tables import resized
from marketsim.records import Kind, Turn

START, WAKE, FILL, TOLD = (t.value for t in Turn)
CLOCK, CANCEL, REDUCE = Kind.CLOCK.value, Kind.CANCEL.value, Kind.REDUCE.value
PHASE, PREVIOUS_CLOSE = Kind.PHASE.value, Kind.PREVIOUS_CLOSE.value
AGENT_BYTES = AGENT.itemsize
CACHE_LINE_BYTES = 64
MOST_TURNS_AT_ONCE = 10_000  # an agent that takes more at one time of its clock never lets time pass
take_step = telling_caller(4)
process_messages = caller(1)


@entry
def simulate(world_address):
    """Let time pass; return why it stopped: FINISHED, FULL, PYTHON_TURN or FAULT. Call again to go on."""
    world = world_at(world_address, 0)
    if world.answered != 0:
        world.answered = 0
        _answer(world, world.answer_messages, world.n_answer, world.answer_wake_ns)
    # All that was due before ``now_ns`` has happened.
    while True:
        if world.fault != NO_FAULT:
            return FAULT
        due_ns = min(key_at(world.keys, 0).time_ns, world.until_ns) if world.n_items > 0 else world.until_ns
        timer_ns = engine_at(world.engine, 0).next_timer_ns
        if due_ns == world.until_ns and timer_ns >= due_ns:
            return FINISHED
        if is_full(world):
            return FULL
        if timer_ns < due_ns:
            # What the exchange does by itself happens at its own time, whether or not anybody is awake.
            _go_on_to(world, max(timer_ns, world.now_ns))
            _let_time_pass(world)
            continue
        item = first_item(world)
        what, row, why, agent_ns, serial, news = item.what, item.row, item.why, item.agent_ns, item.serial, item.news
        _ask_for(world, what, row)
        drop_first(world)
        _go_on_to(world, due_ns)
        if engine_at(world.engine, 0).next_timer_ns <= world.now_ns:
            _let_time_pass(world)
        if what == TURN:
            if _is_due(world, row, why, agent_ns, serial, news):
                _begin_turn(world, row, why, agent_ns, news)
                me = agent_at(world.agents, row)
                if world.fault != NO_FAULT:
                    return FAULT
                if me.step == 0:
                    show(world, me)
                    return PYTHON_TURN
                raised, exception = take_step(me.step, (world_address, world.agents + row * AGENT_BYTES, me.parameters, me.state))
                if raised != 0:
                    accuse(world, me, RAISED)
                    world.fault_exception = exception
                end_turn(me)
        elif what == ARRIVAL:
            _arrive(world, row)
        elif what == TAKEN_UP:
            _take_up(world, row)
        elif what == OUTSIDE:
            _process(world, row)
        elif what == NEWS:
            _tell_news(world, row)
        else:
            write_sample(world, row)
            push(world, next_sample_ns(world, row), SAMPLE, row)


@inlined
def _go_on_to(world, time_ns):
    """Set the clock."""
    world.now_ns = time_ns
    # Sessions before ``session`` are over.
    while world.session + 1 < world.n_sessions and time_ns >= session_at(world.sessions, world.session + 1).start_ns:
        world.session += 1


@inlined
def _ask_for(world, what, row):
    """Ask for the memory that an item is about, which with thousands of agents is far away, while the queue is put in order."""
    if what == TURN:
        for line in range(0, AGENT_BYTES, CACHE_LINE_BYTES):
            prefetch(world.agents + row * AGENT_BYTES + line)
    elif what == ARRIVAL:
        for line in range(0, MESSAGE_BYTES, CACHE_LINE_BYTES):
            prefetch(world.letters + row * MESSAGE_BYTES + line)


@inner
def _is_due(world, number, why, agent_ns, serial, news):
    """Whether a turn is to be taken now; otherwise it was replaced, or is put off."""
    me = agent_at(world.agents, number)
    put_off_ns = 0
    if why == WAKE:
        if me.wake_ticket != serial:
            return False
        put_off_ns = _closed_for(world, agent_ns)
    put_off_ns = max(put_off_ns, me.busy_until_ns - agent_ns)
    if put_off_ns <= 0:
        return True
    again = push_turn(world, world.now_ns + put_off_ns, TURN, number, why, agent_ns + put_off_ns, news)
    if why == WAKE:
        me.wake_ticket = again
    return False


@inner
def _begin_turn(world, number, why, agent_ns, news):
    """Set an agent's clock and tell it why it is its turn."""
    me = agent_at(world.agents, number)
    me.turn = why
    me.turns_at_once = me.turns_at_once + 1 if agent_ns <= me.now_ns and me.n_turns > 0 else 0
    if me.turns_at_once > MOST_TURNS_AT_ONCE:
        accuse(world, me, TOO_MANY_TURNS)
    me.now_ns = max(agent_ns, me.now_ns)
    me.busy_until_ns = me.now_ns + me.computation_ns
    if me.n_turns == 0:
        me.first_turn_ns = me.now_ns
    me.last_turn_ns = me.now_ns
    me.n_turns += 1
    world.n_turns += 1
    world.turn_agent = number
    world.sent_this_turn = 0
    if why == FILL:
        me.fill_due = 0
    elif why == TOLD:
        told = news_at(world.news, news)
        world.news_symbol, world.news_code, world.news_size = told.symbol, told.code, told.size


@inner
def end_turn(me):
    """Forget the fills the agent has now heard of."""
    me.bought_lot = me.sold_lot = me.bought_tick_lot = me.sold_tick_lot = 0


@inner
def _closed_for(world, agent_ns):
    """Return how long a turn between two sessions is put off; 0 within a session.

    Time outside the sessions does not count: the turn comes as far into the next session as it would have come after this one. But one
    that was meant for the next session, and is early only because market data take their time, comes as soon as that starts.
    """
    end_ns = session_at(world.sessions, world.session).end_ns
    if world.now_ns < end_ns or world.session + 1 == world.n_sessions:
        return 0
    start_ns = session_at(world.sessions, world.session + 1).start_ns
    return start_ns - world.now_ns if agent_ns >= start_ns else start_ns - end_ns


@inner
def _arrive(world, letter):
    """Let the exchange have a message, once its venue is done with those before."""
    message = message_at(world.letters, letter)
    desk = desk_at(world.desks, message.venue)
    start_ns = max(world.now_ns, desk.free_ns)
    desk.free_ns = start_ns + desk.processing_ns
    if start_ns > world.now_ns:
        push(world, start_ns, TAKEN_UP, letter)
    else:
        _take_up(world, letter)


@inner
def _take_up(world, letter):
    """Process an agent's message, which is then no longer under way."""
    message = message_at(world.letters, letter)
    me = agent_at(world.agents, message.owner_id)
    me.under_way -= 1
    if PHASE <= message.kind <= PREVIOUS_CLOSE:
        accuse(world, me, ONLY_FROM_OUTSIDE)
        give_letter(world, letter)
    elif CANCEL <= message.kind <= REDUCE and _is_of_another(world, message):
        accuse(world, me, ORDER_OF_ANOTHER)
        give_letter(world, letter)
    else:
        _process(world, letter)


@inner
def _is_of_another(world, message):
    """Whether a message names a live order of somebody else's: the exchange knows orders by their numbers alone."""
    engine = engine_at(world.engine, 0)
    index = find_order(engine, message.order_id)
    return index != NONE and slot_at(engine.slots, index).owner_id != message.owner_id


@inner
def _process(world, letter):
    """Let the exchange process one message, and book what came of it."""
    message_at(world.letters, letter).time_ns = world.now_ns
    address = world.letters + letter * MESSAGE_BYTES
    engine = engine_at(world.engine, 0)
    write_order(world, address)
    if world.n_reporters > 0:
        remember_touch(world, message_at(world.letters, letter))
    engine.messages, engine.n_messages = address, 1
    process_messages(world.exchange_code, (world.engine,))
    world.n_messages += 1
    give_letter(world, letter)
    book_tape(world)
    write_touches(world)


@inner
def _let_time_pass(world):
    """Tell the exchange the time, so that what is due there by itself has happened before anybody looks."""
    letter = take_letter(world)
    message_at(world.letters, letter).kind = CLOCK
    _process(world, letter)


@inner
def _tell_news(world, row):
    """Give every agent that hears news a turn, one data latency from now."""
    for number in range(world.n_agents):
        me = agent_at(world.agents, number)
        if me.hears_news != 0:
            push_turn(world, world.now_ns, TURN, number, TOLD, world.now_ns + delay_ns(me, me.data_latency_ns), row)


@entry
def begin(world_address):
    """Enter what is due by itself: every agent's first turn, the news, the first sample."""
    world = world_at(world_address, 0)
    open_queue(world)
    world.letters = resized(0, world.letter_capacity * MESSAGE_BYTES)
    world.free_letter = NONE
    for number in range(1, world.n_agents):
        me = agent_at(world.agents, number)
        if me.muted == 0:
            push_turn(world, world.now_ns, TURN, number, START, world.now_ns + delay_ns(me, me.data_latency_ns), 0)
    for row in range(world.n_news):
        push(world, news_at(world.news, row).time_ns, NEWS, row)
    if world.depth_every_ns > 0:
        push(world, world.now_ns, SAMPLE, DEPTHS)
    if world.accounts_every_ns > 0:
        push(world, world.now_ns, SAMPLE, ACCOUNTS)


@entry
def schedule(world_address, messages, n):
    """Let messages from outside reach the exchange at their times, without anybody's latency."""
    world = world_at(world_address, 0)
    for k in range(n):
        letter = take_letter(world)
        for word in range(MESSAGE_BYTES // 8):
            store_i64(world.letters + letter * MESSAGE_BYTES, word, load_i64(messages + k * MESSAGE_BYTES, word))
        push(world, message_at(world.letters, letter).time_ns, OUTSIDE, letter)


@entry
def act(world_address, messages, n, wake_ns):
    """End the turn Python has taken: send ``n`` MESSAGE rows in the agent's name, new orders numbered, and wake it at a time; 0 for not.

    Returns the order_id of the first new order; the others follow it. `simulate` does the same with the answer in its header.
    """
    return _answer(world_at(world_address, 0), messages, n, wake_ns)


@inner
def _answer(world, messages, n, wake_ns):
    me = agent_at(world.agents, world.turn_agent)
    first = world.next_order_id
    if n > MOST_MESSAGES_A_TURN:
        accuse(world, me, TOO_MANY_MESSAGES)
        n = 0
    for k in range(n):
        wanted = message_at(messages, k)
        is_new = wanted.kind < CANCEL
        message = new_order(world, me, wanted.symbol, wanted.venue) if is_new else letter_from(world, me, wanted.symbol, wanted.venue)
        message.kind, message.side, message.price_tick, message.qty_lot = wanted.kind, wanted.side, wanted.price_tick, wanted.qty_lot
        message.stop_tick, message.display_lot, message.tif, message.flags = wanted.stop_tick, wanted.display_lot, wanted.tif, wanted.flags
        message.expire_ns, message.min_qty_lot = wanted.expire_ns, wanted.min_qty_lot
        if not is_new:
            message.order_id = wanted.order_id
            me.n_cancels += 1
    if wake_ns > 0:
        wake_at(world, me, wake_ns)
    end_turn(me)
    return first


@entry
def end(world_address):
    """Give back what the compiled loop has allocated."""
    world = world_at(world_address, 0)
    free(world.keys)
    free(world.items)
    free(world.letters)
    free(world.reports)
