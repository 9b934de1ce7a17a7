# Executed once, inside the interpreter, before its state is written: makes modules of the texts
# in MODULES (name, source), executes them in order, and lets the host's calls go straight to the
# runner. Stands at the end of the text that defines MODULES, and leaves nothing of itself behind.
def boot():
    import gc
    import importlib.machinery
    import os
    import sys
    import types

    # Packages beside those that come with the interpreter. What their archive holds is read here, so
    # that no program reads it again; nothing is imported from it before a program does.
    archive = "/usr/local/lib/touchstone.zip"
    sys.path.append(archive)
    importlib.machinery.PathFinder.find_spec("touchstone", [archive])

    package = types.ModuleType("touchstone_shims")
    package.__path__ = []
    sys.modules["touchstone_shims"] = package
    for name, source in MODULES:
        module = types.ModuleType(name)
        sys.modules[name] = module
        if name.startswith("touchstone_shims."):
            setattr(package, name.partition(".")[2], module)
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)

    # What the export `turn` calls. Left as it is, it would parse the host's text to a tree and
    # compile it for every program; the export holds on to the function, so its code is replaced.
    def turn(source, environ):
        _touchstone()
        return 0

    reactor = sys.modules["_reactor"]
    reactor._touchstone = module.main
    reactor.turn.__code__ = turn.__code__
    os.chdir("/work")
    # The interpreter specializes code as it runs. What the runner and the compiler use in every
    # execution is specialized before the snapshot, not again after it.
    module.rehearse()
    # Free heap inside the image: programs that need little more than what is there do not grow
    # the memory, and an instance that did not grow can be restored in place.
    reserve = bytearray(32 << 20)
    del reserve


def immortalize():
    """Takes everything that exists out of reference counting and garbage collection, so that a
    program that only uses it writes nothing to its pages. Must come last."""
    import _host
    import array
    import gc
    import types

    gc.collect()
    gc.unfreeze()
    code_parts = ("co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_name",
                  "co_qualname", "co_filename")
    pending = gc.get_objects()
    seen = set(map(id, pending))
    # What has an address in `seen` must live until the host has written there.
    alive = []
    while pending:
        alive += pending
        found = []
        for start in range(0, len(pending), 4096):
            found += gc.get_referents(*pending[start : start + 4096])
        for each in pending:
            if type(each) is types.CodeType:
                for part in code_parts:
                    value = getattr(each, part)
                    found.append(value)
                    if type(value) is tuple:
                        found += value
        pending = []
        for each in found:
            if id(each) not in seen:
                seen.add(id(each))
                pending.append(each)
    addresses = array.array("I", seen)
    _host.call(b"I" + addresses.tobytes())
    del addresses, seen, alive, found, pending, each
    gc.collect()
    gc.freeze()


boot()
immortalize()
del boot, immortalize, MODULES
