# Executed once, inside the interpreter, before its state is written: makes modules of the texts
# in MODULES (name, source) and executes them in order. Stands at the end of the text that defines
# MODULES, and leaves only the runner's entry behind.
def boot():
    import builtins
    import gc
    import sys
    import types

    for name, source in MODULES:
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    builtins._touchstone = sys.modules["touchstone_runner"].main
    # Free heap inside the image: programs that need little more than what is there do not grow
    # the memory, and an instance that did not grow can be restored in place.
    reserve = bytearray(32 << 20)
    del reserve
    gc.collect()
    gc.freeze()


boot()
del boot, MODULES
