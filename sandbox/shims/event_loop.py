"""Owns `asyncio`'s event loop: without sockets, pipes or other threads, on the virtual clock.

When nothing is ready the clock moves on to the next timer. When there is no timer either, nothing
can ever become ready, and the loop raises RuntimeError instead of waiting.
"""

from touchstone_shims import clock, patching, threads


class _Clockwork:
    """What the loop asks in place of a selector: lets time pass, sees no files."""

    def select(self, timeout=None):
        if timeout is None:
            threads.wait_until(lambda: self.woken, None, "an event in asyncio")
            self.woken = False
        elif timeout > 0:
            clock.sleep(timeout)
        return ()

    woken = False

    def get_map(self):
        return {}

    def close(self):
        pass


def _loop_class(base_events):
    class SandboxEventLoop(base_events.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = _Clockwork()

        def _process_events(self, event_list):
            pass

        def _write_to_self(self):
            self._selector.woken = True

        def time(self):
            return clock.monotonic()

        def run_in_executor(self, executor, func, *args):
            self._check_closed()
            if executor is None:
                executor = self._default_executor
            if executor is not None:
                return super().run_in_executor(executor, func, *args)
            future = self.create_future()

            def call():
                if future.cancelled():
                    return
                try:
                    result = func(*args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    if not future.cancelled():
                        future.set_exception(error)
                else:
                    if not future.cancelled():
                        future.set_result(result)

            import threading

            worker = threading.Thread(name="asyncio_0", target=call)
            self.call_soon(worker.start)
            return future

        async def shutdown_default_executor(self, timeout=None):
            self._executor_shutdown_called = True

        def add_signal_handler(self, sig, callback, *args):
            import signal

            signal.signal(sig, lambda *_: self.call_soon_threadsafe(callback, *args))

        def remove_signal_handler(self, sig):
            import signal

            signal.signal(sig, signal.SIG_DFL)
            return True

    SandboxEventLoop.__module__ = "asyncio.unix_events"
    SandboxEventLoop.__qualname__ = SandboxEventLoop.__name__ = "_UnixSelectorEventLoop"
    return SandboxEventLoop


def _change(asyncio):
    from asyncio import base_events, unix_events

    loop = _loop_class(base_events)
    for module in (asyncio, unix_events):
        for name in ("SelectorEventLoop", "_UnixSelectorEventLoop", "EventLoop"):
            if hasattr(module, name):
                setattr(module, name, loop)
    for value in vars(unix_events).values():
        if isinstance(value, type) and hasattr(value, "_loop_factory"):
            value._loop_factory = loop
    if not hasattr(asyncio, "EventLoop"):
        asyncio.EventLoop = loop


def install():
    patching.when_imported("asyncio", _change)
