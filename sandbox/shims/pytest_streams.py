"""Owns what pytest takes from a system and this one has not: descriptors that can be doubled, and files
whose owner is the user. Output is caught where Python's own streams write it.
"""

from touchstone_shims import patching


def _change_capture(module):
    module.FDCapture, module.FDCaptureBinary = module.SysCapture, module.SysCaptureBinary


def _change_faulthandler(module):
    # It prints tracebacks of crashes to a descriptor of its own.
    del module.pytest_configure, module.pytest_unconfigure


def _change_compat(module):
    def get_user_id():
        return None

    module.get_user_id = patching.disguise(get_user_id, module.get_user_id)


def _change_pluggy(module):
    original = module.__getattr__

    def __getattr__(name):
        if name != "__version__":
            return original(name)
        from importlib import metadata

        # It would look through the archive of the standard library first, which is a long one.
        archive = module.__spec__.loader.archive
        (found,) = metadata.distributions(name="pluggy", path=[archive])
        return found.version

    module.__getattr__ = __getattr__


def install():
    patching.when_imported("_pytest.capture", _change_capture)
    patching.when_imported("_pytest.faulthandler", _change_faulthandler)
    patching.when_imported("_pytest.compat", _change_compat)
    patching.when_imported("pluggy", _change_pluggy)
