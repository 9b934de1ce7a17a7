"""Owns what programs ask of an operating system: `resource`, `pwd`, `grp`, the missing functions of
`os`, `subprocess` and `multiprocessing`. Limits are accepted and ignored; processes are refused.
"""

import functools
import os
import sys
import types

from touchstone_shims import patching

_NO_PROCESSES = "processes cannot be started in this sandbox"


_NO_NETWORK = "there is no network in this sandbox"


def _refusal(name, error, reason=_NO_PROCESSES):
    def refuse(*args, **kwargs):
        raise error(f"{name} is not available: {reason}")

    refuse.__name__ = refuse.__qualname__ = name.rpartition(".")[2]
    refuse.__module__ = name.rpartition(".")[0]
    return refuse


# --- resource ----------------------------------------------------------------------------------

_LIMITS = "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME"


def _resource():
    module = types.ModuleType("resource", "Resource limits, accepted and ignored in this sandbox.")
    for number, name in enumerate(_LIMITS.split()):
        setattr(module, "RLIMIT_" + name, number)
    module.RLIM_INFINITY = -1
    module.RUSAGE_SELF, module.RUSAGE_CHILDREN, module.RUSAGE_THREAD = 0, -1, 1
    module.error = OSError
    limits = {}
    fields = (
        "ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap "
        "ru_inblock ru_oublock ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw"
    )
    import collections

    usage = collections.namedtuple("struct_rusage", fields, module="resource")

    def getrlimit(resource, /):
        return limits.get(resource, (-1, -1))

    def setrlimit(resource, limit, /):
        soft, hard = limit
        limits[resource] = (soft, hard)

    def prlimit(pid, resource, limit=None, /):
        before = getrlimit(resource)
        if limit is not None:
            setrlimit(resource, limit)
        return before

    def getrusage(who, /):
        import time

        return usage(time.process_time(), 0.0, 65536, *[0] * 13)

    def getpagesize():
        return 4096

    for function in (getrlimit, setrlimit, prlimit, getrusage, getpagesize):
        function.__module__ = "resource"
        setattr(module, function.__name__, function)
    return module


# --- the user database -------------------------------------------------------------------------


def _users():
    import collections

    pwd = types.ModuleType("pwd", "The one user of this sandbox.")
    fields = "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell"
    pwd.struct_passwd = collections.namedtuple("struct_passwd", fields, module="pwd")
    user = pwd.struct_passwd("user", "x", 1000, 1000, "", "/", "/bin/sh")

    def getpwuid(uid, /):
        if uid != user.pw_uid:
            raise KeyError(f"getpwuid(): uid not found: {uid}")
        return user

    def getpwnam(name, /):
        if name != user.pw_name:
            raise KeyError(f"getpwnam(): name not found: {name!r}")
        return user

    pwd.getpwuid, pwd.getpwnam, pwd.getpwall = getpwuid, getpwnam, lambda: [user]
    grp = types.ModuleType("grp", "The one group of this sandbox.")
    grp.struct_group = collections.namedtuple(
        "struct_group", "gr_name gr_passwd gr_gid gr_mem", module="grp"
    )
    group = grp.struct_group("user", "x", 1000, [])

    def getgrgid(id, /):
        if id != group.gr_gid:
            raise KeyError(f"getgrgid(): gid not found: {id}")
        return group

    def getgrnam(name, /):
        if name != group.gr_name:
            raise KeyError(f"getgrnam(): name not found: {name!r}")
        return group

    grp.getgrgid, grp.getgrnam, grp.getgrall = getgrgid, getgrnam, lambda: [group]
    return pwd, grp


# --- processes ---------------------------------------------------------------------------------


def _change_subprocess(module):
    refuse = _refusal("subprocess.Popen", OSError)

    class Popen:
        __module__ = "subprocess"

        def __init__(self, *args, **kwargs):
            refuse()

        def __class_getitem__(cls, item):
            return types.GenericAlias(cls, item)

    module.Popen = Popen


_MULTIPROCESSING = (
    "Process Pool Queue JoinableQueue SimpleQueue Pipe Manager Lock RLock Semaphore "
    "BoundedSemaphore Condition Event Barrier Value Array RawValue RawArray"
)


def _change_multiprocessing(module):
    for name in _MULTIPROCESSING.split():
        refusal = _refusal("multiprocessing." + name, ImportError)
        if name == "Process":  # programs make subclasses of it

            class Process:
                __module__ = "multiprocessing"
                __init__ = refusal

            refusal = Process
        setattr(module, name, refusal)
    module.cpu_count = os.cpu_count

    def get_context(method=None):
        return module

    module.get_context = get_context


def _open_without_mode():
    """`os.open` with flags that name no access mode means reading, which is 0 elsewhere; here
    reading has a bit of its own, and C's library refuses to guess."""
    original = os.open
    modes = os.O_RDONLY | os.O_WRONLY | os.O_RDWR

    @functools.wraps(original)
    def open(path, flags, mode=0o777, *, dir_fd=None):
        if not flags & modes:
            flags |= os.O_RDONLY
        return original(path, flags, mode, dir_fd=dir_fd)

    os.open = open


def install():
    _open_without_mode()
    sys.modules["resource"] = _resource()
    sys.modules["pwd"], sys.modules["grp"] = _users()
    for name in ("system", "fork", "forkpty", "posix_spawn", "posix_spawnp", "popen", "kill", "killpg"):
        setattr(os, name, _refusal("os." + name, OSError))
    for name in "spawnl spawnle spawnlp spawnv spawnve spawnvp execv execve".split():
        setattr(os, name, _refusal("os." + name, OSError))
    import _socket
    import socket

    for name in "getaddrinfo gethostbyname gethostbyname_ex gethostbyaddr getnameinfo".split():
        if not hasattr(_socket, name):
            refusal = _refusal("socket." + name, getattr(socket, "gaierror", OSError), _NO_NETWORK)
            setattr(_socket, name, refusal)
            setattr(socket, name, refusal)
    ids = {"getuid": 1000, "geteuid": 1000, "getgid": 1000, "getegid": 1000, "getppid": 1}
    for name, value in ids.items():
        if not hasattr(os, name):
            setattr(os, name, types.FunctionType((lambda: value).__code__, {}, name, None, (types.CellType(value),)))
    if not hasattr(os, "getlogin"):
        os.getlogin = lambda: "user"
    if not hasattr(os, "umask"):
        os.umask = lambda mask, /: 0o022
    if not hasattr(os, "sched_getaffinity"):
        os.sched_getaffinity = lambda pid, /: {0}
    if not hasattr(os, "getloadavg"):
        os.getloadavg = lambda: (0.0, 0.0, 0.0)
    if not hasattr(os, "nice"):
        os.nice = lambda increment, /: 0
    patching.when_imported("subprocess", _change_subprocess)
    patching.when_imported("multiprocessing", _change_multiprocessing)
    import time

    if not hasattr(time, "thread_time"):
        time.thread_time, time.thread_time_ns = time.process_time, time.process_time_ns
