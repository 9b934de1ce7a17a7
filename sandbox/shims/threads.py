"""Owns threads: `threading`, `_thread`, `queue`. The machine has one thread, so a thread's target
runs on the stack of whoever lets it run, from its beginning to its end.

When it runs: at `start()`, unless its code names a method that may wait for another thread (`get`,
`wait`, `acquire` …); then when some thread waits (`join`, `get`, `sleep` …) or the program ends.
Either is an order in which real threads could have run. A thread that waits lets the threads that
have not begun run on top of it. What it waits for can then still fail to come, because the thread
that would bring it lies suspended further down the stack:

- if a thread further down can go on, the one on top is parked: unwound by an exception, for good;
- a full queue takes more than its `maxsize` rather than wait;
- else the wait is for ever, and raises RuntimeError instead.

The first two leave a warning.
"""

import _thread
import collections
import contextvars
import itertools
import queue
import sys
import threading

from touchstone_shims import clock, patching, warning

_MAY_WAIT = frozenset(
    "get get_nowait wait wait_for acquire join recv result barrier".split()
)
_MAIN_IDENT = threading.main_thread().ident

_idents = itertools.count(_MAIN_IDENT + 0x1000, 0x1000)
_current = _MAIN_IDENT
_pending = collections.deque()
# What each suspended thread waits for, lowest on the stack first.
_suspended = []


class _Parked(BaseException):
    """Unwinds a thread that waits for something only a thread below it on the stack can do."""


def get_ident():
    return _current


def run_as(thread, function, *args, **kwargs):
    """Call `function` with `thread` as the current thread."""
    global _current
    before, _current = _current, thread._ident
    try:
        return function(*args, **kwargs)
    finally:
        _current = before


def _finish(thread):
    thread._touchstone_state = "finished"
    threading._active.pop(thread._ident, None)


def _run(thread):
    thread._touchstone_state = "running"

    def target():
        try:
            thread.run()
        except _Parked:
            if not thread._daemonic:
                warning.warn(
                    "a thread that waited for another one was ended: "
                    "threads run one after the other here"
                )
        except:
            thread._invoke_excepthook(thread)

    context = getattr(thread, "_context", None) or contextvars.Context()
    try:
        run_as(thread, context.run, target)
    finally:
        _finish(thread)


def run_pending():
    """Run the threads that have been started and have not begun."""
    while _pending:
        _run(_pending.popleft())


def wait_until(ready, timeout=None, what="something"):
    """Let other threads run until `ready()`; the answer is whether it is.

    With a timeout the clock moves on instead of waiting for ever."""
    if ready():
        return True
    if timeout is not None and timeout <= 0:
        return False
    _suspended.append(ready)
    try:
        until = None if timeout is None else clock.monotonic() + timeout
        while not ready():
            if _pending:
                _run(_pending.popleft())
            elif _timers and (until is None or _timers[0].due <= until):
                _run_timer()
            elif until is not None:
                clock.sleep_quietly(until - clock.monotonic())
                return ready()
            elif _current != _MAIN_IDENT and any(other() for other in _suspended[:-1]):
                raise _Parked
            else:
                raise RuntimeError(
                    f"waiting for {what} for ever: threads run one after the other in this "
                    "sandbox, and none is left that could end the wait"
                )
        return True
    finally:
        _suspended.pop()


# --- locks -------------------------------------------------------------------------------------


class lock:
    """A lock object is a synchronization primitive."""

    __slots__ = ("_held", "__weakref__")
    __module__ = "_thread"

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        if self._held:
            if not blocking:
                if timeout != -1:
                    raise ValueError("can't specify a timeout for a non-blocking call")
                return False
            if not wait_until(
                lambda: not self._held, None if timeout == -1 else timeout, "a lock"
            ):
                return False
        self._held = True
        return True

    def release(self):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        if self._held:
            self.acquire()
        self._held = True
        return True

    def __exit__(self, *error):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def _at_fork_reinit(self):
        self._held = False

    def __repr__(self):
        state = "locked" if self._held else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"


class RLock:
    """A reentrant lock: its owner may acquire it again."""

    __slots__ = ("_owner", "_count", "__weakref__")
    __module__ = "_thread"

    def __init__(self):
        self._owner, self._count = None, 0

    def acquire(self, blocking=True, timeout=-1):
        if self._owner is None:
            self._owner = _current
        elif self._owner != _current:
            if not blocking:
                return False
            if not wait_until(
                lambda: self._owner is None, None if timeout == -1 else timeout, "a lock"
            ):
                return False
            self._owner = _current
        self._count += 1
        return True

    __enter__ = acquire

    def release(self):
        if self._owner != _current:
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None

    def __exit__(self, *error):
        self.release()

    def locked(self):
        return self._count > 0

    def _is_owned(self):
        return self._owner == _current

    def _recursion_count(self):
        return self._count if self._owner == _current else 0

    def _release_save(self):
        state = self._count, self._owner
        self._owner, self._count = None, 0
        return state

    def _acquire_restore(self, state):
        if self._owner is not None:
            wait_until(lambda: self._owner is None, None, "a lock")
        self._count, self._owner = state

    def _at_fork_reinit(self):
        self._owner, self._count = None, 0

    def __repr__(self):
        state = "locked" if self._count else "unlocked"
        return (
            f"<{state} _thread.RLock object owner={self._owner or 0} count={self._count} "
            f"at {id(self):#x}>"
        )


def _condition_wait(self, timeout=None):
    """Wait until notified or until a timeout occurs."""
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    notified = lock()
    notified.acquire()
    self._waiters.append(notified)
    saved = self._release_save()
    woken = False
    try:
        woken = wait_until(lambda: not notified._held, timeout, "a notification")
    finally:
        self._acquire_restore(saved)
        if not woken:
            try:
                self._waiters.remove(notified)
            except ValueError:
                pass
    return woken


def _queue_put(self, item, block=True, timeout=None):
    with self.mutex:
        if self.is_shutdown:
            raise queue.ShutDown
        if 0 < self.maxsize <= self._qsize():
            if not block:
                raise queue.Full
            if timeout is not None and timeout < 0:
                raise ValueError("'timeout' must be a non-negative number")
            self.mutex.release()
            try:
                if _pending or timeout is not None:
                    room = _try_wait(lambda: self._qsize() < self.maxsize, timeout)
                else:
                    room = False
            finally:
                self.mutex.acquire()
            if not room:
                if timeout is not None:
                    raise queue.Full
                warning.warn(
                    "a full queue took more than its maxsize: "
                    "threads run one after the other here"
                )
        self._put(item)
        self.unfinished_tasks += 1
        self.not_empty.notify()


def _try_wait(ready, timeout):
    """`wait_until`, but False where the wait would be for ever."""
    while not ready() and _pending:
        _suspended.append(ready)
        try:
            _run(_pending.popleft())
        finally:
            _suspended.pop()
    if not ready() and timeout is not None:
        clock.sleep_quietly(timeout)
    return ready()


def _simple_queue_get(self, block=True, timeout=None):
    """queue._PySimpleQueue.get"""
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    if not self._queue and not (block and wait_until(lambda: self._queue, timeout, "an item")):
        raise queue.Empty
    return self._queue.popleft()


# --- threads -----------------------------------------------------------------------------------


def _names(code, depth=2, globals_=None, seen=None):
    """The attribute and global names in `code`, in the functions inside it and in the global
    functions it names, to a small depth."""
    seen = set() if seen is None else seen
    if code in seen:
        return
    seen.add(code)
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _names(constant, depth, globals_, seen)
    if depth and globals_ is not None:
        for name in code.co_names:
            function = globals_.get(name)
            inner = getattr(function, "__code__", None)
            if inner is not None:
                yield from _names(inner, depth - 1, globals_, seen)


def _may_wait(thread):
    function = type(thread).run
    if function is threading.Thread.run:
        function = thread._target
    for _ in range(3):
        function = getattr(function, "__wrapped__", None) or getattr(function, "func", function)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    return not _MAY_WAIT.isdisjoint(_names(code, 2, function.__globals__))


class _Due:
    """A Timer that has been started, by the moment it falls due."""

    __slots__ = ("due", "order", "thread")
    _orders = itertools.count()

    def __init__(self, thread):
        self.due = clock.monotonic() + thread.interval
        self.order, self.thread = next(self._orders), thread

    def __lt__(self, other):
        return (self.due, self.order) < (other.due, other.order)


_timers = []


def _run_timer():
    timer = _timers.pop(0)
    if not timer.thread.finished.is_set():
        clock.sleep_quietly(timer.due - clock.monotonic())
    _run(timer.thread)


def _timer_run(self):
    if not self.finished.is_set():
        self.function(*self.args, **self.kwargs)
    self.finished.set()


def _start(self):
    """Start the thread's activity."""
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    self._ident = self._native_id = next(_idents)
    self._started.set()
    self._touchstone_state, self._touchstone_asked = "pending", 0
    threading._active[self._ident] = self
    clock.before_sleep[:] = [_before_sleep, *(h for h in clock.before_sleep if h is not _before_sleep)]
    if isinstance(self, threading.Timer) and type(self).run is _timer_run:
        import bisect

        bisect.insort(_timers, _Due(self))
    elif _may_wait(self):
        _pending.append(self)
    else:
        _run(self)


def _before_sleep(until):
    _suspended.append(lambda: True)
    try:
        run_pending()
        while _timers and _timers[0].due <= until:
            _run_timer()
    finally:
        _suspended.pop()


def _join(self, timeout=None):
    """Wait until the thread terminates."""
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    wait_until(
        lambda: getattr(self, "_touchstone_state", "") == "finished", timeout, "a thread to end"
    )


def _is_alive(self):
    """Return whether the thread is alive."""
    assert self._initialized, "Thread.__init__() not called"
    if not self._started.is_set():
        return False
    state = getattr(self, "_touchstone_state", "running")
    if state == "pending":
        # A program that asks again and again waits for the thread to end.
        self._touchstone_asked += 1
        if self._touchstone_asked > 1 and self in _pending:
            _pending.remove(self)
            _suspended.append(lambda: True)
            try:
                _run(self)
            finally:
                _suspended.pop()
    return self._touchstone_state != "finished" if self is not threading.main_thread() else True


def start_new_thread(function, args, kwargs={}, /):
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    thread = threading.Thread(target=function, args=args, kwargs=kwargs, daemon=True)
    thread.start()
    return thread._ident


_stack_size = 0


def stack_size(size=0, /):
    global _stack_size
    if size and size < 32768:
        raise ValueError("size not valid: %d bytes" % size)
    before, _stack_size = _stack_size, size
    return before


def finish():
    """What the interpreter does with threads when the program ends: the others run to their end.

    Daemon threads that have not begun run too: natively they would have begun."""
    _suspended.append(lambda: True)
    try:
        run_pending()
        while _timers:
            if _timers[0].thread.daemon:
                _timers.pop(0)
            else:
                _run_timer()
    finally:
        _suspended.pop()


def install():
    import _threading_local

    allocate = lock
    _thread.allocate_lock = _thread.allocate = threading._allocate_lock = threading.Lock = allocate
    _thread.lock = _thread.LockType = allocate
    _thread.RLock = threading._CRLock = threading._PyRLock = threading.RLock = RLock
    _thread.get_ident = threading.get_ident = get_ident
    threading.get_native_id = _thread.get_native_id = get_ident
    _thread.start_new_thread = _thread.start_new = threading._start_new_thread = start_new_thread
    _thread.stack_size = threading.stack_size = patching.disguise(stack_size, _thread.stack_size)
    _thread.local = threading.local = _threading_local.local

    thread = threading.Thread
    thread.start = patching.disguise(_start, thread.start)
    thread.join = patching.disguise(_join, thread.join)
    thread.is_alive = patching.disguise(_is_alive, thread.is_alive)
    threading.Timer.run = patching.disguise(_timer_run, threading.Timer.run)
    threading.Condition.wait = patching.disguise(_condition_wait, threading.Condition.wait)
    main = threading.main_thread()
    main._touchstone_state = "running"

    queue.Queue.put = patching.disguise(_queue_put, queue.Queue.put)
    queue._PySimpleQueue.get = _simple_queue_get
    queue.SimpleQueue = queue._PySimpleQueue
