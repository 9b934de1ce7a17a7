# Executed once, in an interpreter of its own, before the archive of packages is made: compiles the
# modules below FOLDER to what `import` reads out of ARCHIVE, beside each, and says nothing.
def compile_modules():
    import importlib._bootstrap_external as bootstrap
    import importlib.util
    import os

    for folder, _, names in os.walk(FOLDER):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                source = file.read()
            code = compile(source, ARCHIVE + path[len(FOLDER):], "exec", dont_inherit=True)
            # Marked as not to be checked: the archive does not hold the source.
            digest = importlib.util.source_hash(source)
            compiled = bootstrap._code_to_hash_pyc(code, digest, False)
            with open(path + "c", "wb") as file:
                file.write(compiled)


compile_modules()
