"""Owns `concurrent.futures`: a thread pool runs a call when it is submitted; a process pool says that
there are no processes here.
"""

import itertools

from touchstone_shims import patching, threads

_NO_PROCESSES = (
    "processes cannot be started in this sandbox: ProcessPoolExecutor is not available "
    "(ThreadPoolExecutor is)"
)
_finished = itertools.count()


def _submit(self, fn, /, *args, **kwargs):
    """Run `fn` at once, as the pool's one worker thread would; the future is done on return."""
    import threading
    from concurrent.futures import _base, thread

    if getattr(self, "_broken", False):
        raise thread.BrokenThreadPool(self._broken)
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    worker = self.__dict__.get("_touchstone_worker")
    if worker is None:
        worker = threading.Thread(name=f"{self._thread_name_prefix or self}_0", daemon=True)
        worker._ident = worker._native_id = next(threads._idents)
        worker._started.set()
        worker._touchstone_state = "running"
        self._touchstone_worker = worker
        initializer = self._touchstone_initializer
        if initializer is not None:
            function, arguments = initializer
            try:
                threads.run_as(worker, function, *arguments)
            except BaseException:
                self._broken = "A thread initializer failed, the thread pool is not usable anymore"
                raise thread.BrokenThreadPool(self._broken) from None
    future = _base.Future()
    future.set_running_or_notify_cancel()

    def call():
        threading._active[worker._ident] = worker
        try:
            result = fn(*args, **kwargs)
        except threads._Parked:
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            threading._active.pop(worker._ident, None)

    import contextvars

    threads.run_as(worker, contextvars.Context().run, call)
    future._touchstone_order = next(_finished)
    return future


def _change_thread(module):
    kind = module.ThreadPoolExecutor
    init = kind.__init__

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), **more):
        init(self, max_workers, thread_name_prefix, initializer, initargs, **more)
        self._touchstone_initializer = initializer and (initializer, initargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._shutdown = True

    kind.__init__ = patching.disguise(__init__, init)
    kind.submit = patching.disguise(_submit, kind.submit)
    kind.shutdown = patching.disguise(shutdown, kind.shutdown)


def _change_base(module):
    """Finished futures come in the order in which they finished, not in a set's order."""
    as_completed = module.as_completed

    def ordered(fs, timeout=None):
        fs = list(dict.fromkeys(fs))
        if all(f._state == module.FINISHED for f in fs):
            yield from sorted(fs, key=lambda f: getattr(f, "_touchstone_order", 0))
        else:
            yield from as_completed(fs, timeout)

    module.as_completed = patching.disguise(ordered, as_completed)


def _change_package(package):
    from concurrent.futures import _base

    _change_base(_base)
    package.as_completed = _base.as_completed


class ProcessPoolExecutor:
    __module__ = "concurrent.futures.process"

    def __init__(self, *args, **kwargs):
        raise ImportError(_NO_PROCESSES)


def install():
    import sys
    import types

    patching.when_imported("concurrent.futures", _change_package)
    patching.when_imported("concurrent.futures.thread", _change_thread)
    process = types.ModuleType("concurrent.futures.process")
    process.ProcessPoolExecutor = ProcessPoolExecutor
    process.BrokenProcessPool = type("BrokenProcessPool", (RuntimeError,), {})
    process.EXTRA_QUEUED_CALLS = 1
    sys.modules["concurrent.futures.process"] = process
