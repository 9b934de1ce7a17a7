"""Runs the cells of a notebook in one namespace and writes down what came of each.

Its arguments are the report's file and the number of cells, its stdin the cells, a line each in base64.
Keeps its own references, since cells may replace what they find; all that a cell can spoil is the
report of its own notebook.
"""


def _run_cells():
    import ast
    import asyncio
    import base64
    import builtins
    import inspect
    import io
    import json
    import linecache
    import sys
    import time
    import traceback
    import types

    report_path, count = sys.argv[1], int(sys.argv[2])
    cells = [base64.b64decode(line) for line in sys.stdin.read().split("\n")][:count]
    sys.argv = ["main.py"]
    sys.stdin = io.StringIO()
    clock = time.perf_counter
    dumps = json.dumps
    report = open(report_path, "w", encoding="utf-8")

    module = types.ModuleType("__main__")
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    namespace["__annotations__"] = {}
    sys.modules["__main__"] = module
    shown = []

    def clean(text):
        """Text that is valid in JSON: lone surrogates are not."""
        return str(text).encode("utf-8", "replace").decode("utf-8")

    def bundle(value):
        """What a notebook shows of a value, by media type."""
        found = {"text/plain": clean(repr(value))}
        for method, media_type in (("_repr_html_", "text/html"), ("_repr_markdown_", "text/markdown"),
                                   ("_repr_latex_", "text/latex"), ("_repr_svg_", "image/svg+xml")):
            if isinstance(value, type) or not hasattr(value, method):
                continue
            try:
                text = getattr(value, method)()
            except Exception:
                continue
            if isinstance(text, str):
                found[media_type] = clean(text)
        return found

    def display(*values, **_options):
        for value in values:
            shown.append(bundle(value))

    namespace["display"] = display

    def run(code):
        """Executes or evaluates, and awaits where the cell does."""
        result = eval(code, namespace)
        if code.co_flags & inspect.CO_COROUTINE:
            result = asyncio.run(result)
        return result

    def execute(source, file):
        tree = ast.parse(source, file)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(b";"):
            last = ast.Expression(tree.body.pop().value)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        run(compile(tree, file, "exec", flags, True))
        if last is not None:
            value = run(compile(last, file, "eval", flags, True))
            if value is not None:
                namespace["_"] = value
                display(value)

    def described(error):
        trace = error.__traceback__
        own = {_run_cells.__code__.co_filename, ast.parse.__code__.co_filename}
        while trace is not None and trace.tb_frame.f_code.co_filename in own:
            trace = trace.tb_next
        lines = traceback.format_exception(type(error), error, trace)
        try:
            text = str(error)
        except Exception:
            text = "<exception str() failed>"
        return {"ename": type(error).__name__, "evalue": clean(text), "traceback": [clean(line) for line in lines]}

    for number, source in enumerate(cells, 1):
        file = f"<cell {number}>"
        text = source.decode("utf-8", "replace")
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in range(2)]
        outer = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = streams
        shown.clear()
        errors = []
        began = clock()
        try:
            execute(source, file)
        except BaseException as error:
            errors.append(described(error))
        seconds = clock() - began
        sys.stdout, sys.stderr = outer
        written = [stream.buffer.getvalue().decode("utf-8", "replace") if not stream.closed else "" for stream in streams]
        cell = {"stdout": written[0], "stderr": written[1], "display": list(shown), "error": errors}
        report.write(dumps({"cell": cell, "seconds": seconds}) + "\n")
        report.flush()


_run_cells()
