# Looks at everything that an earlier program could have left behind.
import asyncio, atexit, builtins, codecs, collections, decimal, gc, io, json, linecache, locale, logging
import os, random, re, signal, sys, tempfile, threading, time, unittest, uuid, warnings
import numpy

print(time.time(), time.monotonic(), time.perf_counter())
print(len(sys.modules), sorted(sys.modules), sys.path, len(sys.meta_path), sys.argv)
print(sorted(vars(builtins)), len(range(3)), sorted(vars(json)), sorted(vars(sys)))
print(gc.isenabled(), gc.get_threshold(), gc.get_count(), gc.get_freeze_count(), len(gc.get_objects()))
print(gc.get_debug(), gc.callbacks, gc.garbage)
print(sys.getrecursionlimit(), sys.gettrace(), sys.getprofile(), sys.excepthook, sys.stdout, sys.stdin)
print(random.random(), random.getstate()[1][:5], os.urandom(8), uuid.uuid4())
print(numpy.random.random(), numpy.geterr(), numpy.array([1.23456789, 2.0]))
print(os.getcwd(), os.listdir("/"), os.listdir("."), dict(os.environ), os.umask(0))
print(threading.enumerate(), threading.stack_size(), atexit._ncallbacks())
print(warnings.filters, decimal.getcontext(), locale.setlocale(locale.LC_ALL))
print(signal.getsignal(signal.SIGALRM), signal.alarm(0))
print(re._cache.keys() if hasattr(re, "_cache") else None, len(linecache.cache), tempfile.tempdir)
print(logging.root.handlers, logging.root.manager.disable, codecs.lookup("utf-8"))
print([sys.monitoring.get_tool(tool) for tool in range(6)], sys.get_int_max_str_digits())
print(hash("abc"), id(object()), id([]), id({}), id(json), sys.getallocatedblocks())
print(unittest.TestCase.assertEqual, json.dumps({"a": [1, 2.5, None]}), (5).bit_length(), "a b".split())
print(os.open("x", os.O_CREAT | os.O_RDWR), [f(3) for f in (lambda n: n * n, float, str)])
class Node:
    def __init__(self, value): self.value = value
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
print(depth(500), sum(Node(i).value for i in range(1000)), collections.Counter("abcab"))
print(sys.intern("something"), id(sys.intern("something")), type(sys.modules["_reactor"].turn))
asyncio.run(asyncio.sleep(1))
print(time.time(), file=sys.stderr)
