"""Runs `/work/main.py` as `python3 main.py` does: modules that lie beside it can be imported.

Leaves no trace of itself: a traceback begins with the program's own line.
"""


def _run(path="/work/main.py"):
    import sys

    sys.path.insert(0, "/work")
    with open(path, "rb") as file:
        source = file.read()
    show = sys.excepthook

    def own_part(kind, error, trace):
        import linecache

        text = source.decode("utf-8", "replace")
        linecache.cache[path] = (len(text), None, text.splitlines(True), path)
        # The lines here that lead to the program.
        for _ in range(2):
            trace = trace and trace.tb_next
        error.__traceback__ = trace
        show(kind, error, trace)

    sys.excepthook = own_part
    names = sys.modules["__main__"].__dict__
    del names["_run"], names["__doc__"]
    exec(compile(source, path, "exec", 0, True), names)


_run()
