//! What a program that broke out might attempt, and who refuses it.

use super::process::Target;
use libc::c_long;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::Command;

pub struct Attempt {
    pub name: &'static str,
    pub attempt: fn(&Target) -> io::Result<()>,
    /// What landlock answers, if it does not stand behind the filter, since which of its versions.
    pub by_landlock: Option<(i64, i32)>,
    /// What the filter of system calls answers.
    pub by_calls: i32,
}

type Try = fn(&Target) -> io::Result<()>;

const fn both(name: &'static str, since: i64, by_landlock: i32, attempt: Try) -> Attempt {
    Attempt {
        name,
        attempt,
        by_landlock: Some((since, by_landlock)),
        by_calls: libc::EPERM,
    }
}

/// Refused by landlock since its first version.
const fn file(name: &'static str, attempt: Try) -> Attempt {
    both(name, 1, libc::EACCES, attempt)
}

/// Refused by the filter of system calls alone.
const fn call(name: &'static str, attempt: Try) -> Attempt {
    Attempt {
        name,
        attempt,
        by_landlock: None,
        by_calls: libc::EPERM,
    }
}

pub const ATTEMPTS: &[Attempt] = &[
    file("read a file", |_| File::open("/etc/passwd").map(drop)),
    file("read a file of the user's", |target| {
        File::open(target.folder.join("file")).map(drop)
    }),
    // Landlock lets it be read, since loading has to.
    both("read what loading reads", 1, 0, |target| {
        File::open(target.folder.join("readable/file")).map(drop)
    }),
    file("list the root folder", |_| fs::read_dir("/").map(drop)),
    file("list the current folder", |_| fs::read_dir(".").map(drop)),
    call("ask whether a file exists", |_| {
        fs::metadata("/etc/passwd").map(drop)
    }),
    call("resolve a link", |_| fs::read_link("/proc/self").map(drop)),
    file("write a file in a temporary folder", |target| {
        File::create(target.folder.join("new")).map(drop)
    }),
    file("write a file in the current folder", |_| {
        File::create("also new").map(drop)
    }),
    file("append to a file", |target| {
        let file = target.folder.join("file");
        OpenOptions::new().append(true).open(file).map(drop)
    }),
    both("truncate a file", 3, libc::EACCES, |_| {
        // SAFETY: the name is a string that ends.
        done(unsafe { libc::truncate(c"truncated".as_ptr(), 0) })
    }),
    file("make a folder", |_| fs::create_dir("folder")),
    file("make a link", |_| symlink("file", "link")),
    file("rename a file", |_| fs::rename("removed", "renamed")),
    file("remove a file", |_| match fs::remove_file("renamed") {
        // Where it could not be renamed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_file("removed"),
        other => other,
    }),
    call("change the rights to a file", |_| {
        fs::set_permissions("file", PermissionsExt::from_mode(0o600))
    }),
    call("change the folder", |_| std::env::set_current_dir(".")),
    both("connect by TCP", 4, libc::EACCES, |target| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, target.tcp_port)).map(drop)
    }),
    both("connect to another TCP port", 4, libc::EACCES, |target| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, target.other_tcp_port)).map(drop)
    }),
    call("connect by multipath TCP", |_| {
        const IPPROTO_MPTCP: i32 = 262;
        // SAFETY: plain numbers; nobody else knows the descriptor.
        done(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, IPPROTO_MPTCP) })
    }),
    call("send by UDP", |target| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sent = socket.send_to(b"text", (Ipv4Addr::LOCALHOST, target.udp_port));
        sent.map(drop)
    }),
    call("connect to a Unix socket", |target| {
        UnixStream::connect(target.folder.join("socket")).map(drop)
    }),
    both("connect to an abstract socket", 6, libc::EPERM, |target| {
        let address = SocketAddr::from_abstract_name(&target.abstract_name)?;
        UnixStream::connect_addr(&address).map(drop)
    }),
    both("listen on another port", 4, libc::EACCES, |_| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)
    }),
    file("start a program", |_| {
        Command::new("/bin/true").status().map(drop)
    }),
    file("become a program", |target| {
        let program = std::ffi::CString::new(target.program.clone())?;
        let arguments = [program.as_ptr(), std::ptr::null()];
        // SAFETY: strings that end, and lists of them that end with a null pointer.
        done(unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), &arguments[1]) })
    }),
    call("fork", |_| {
        // SAFETY: the child calls nothing but `_exit`.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: as above.
            0 => unsafe { libc::_exit(0) },
            // SAFETY: nobody wants the status.
            child => done(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }),
        }
    }),
    Attempt {
        name: "clone by the newer call",
        attempt: |_| number(libc::SYS_clone3, [0; 5]).map(drop),
        by_landlock: None,
        by_calls: libc::ENOSYS,
    },
    call("leave a namespace", |_| {
        number(libc::SYS_unshare, [0; 5]).map(drop)
    }),
    call("trace a process", |target| {
        let peek = u64::from(libc::PTRACE_PEEKDATA);
        number(libc::SYS_ptrace, [peek, target.process, 0, 0, 0]).map(drop)
    }),
    call("read the memory of a process", |_| {
        let own = u64::from(std::process::id());
        number(libc::SYS_process_vm_readv, [own, 0, 0, 0, 0]).map(drop)
    }),
    both("signal a process", 6, libc::EPERM, |target| {
        number(libc::SYS_kill, [target.process, 0, 0, 0, 0]).map(drop)
    }),
    both("signal a thread of a process", 6, libc::EPERM, |target| {
        let id = target.process;
        number(libc::SYS_tgkill, [id, id, 0, 0, 0]).map(drop)
    }),
    call("map memory to execute", |_| map(libc::PROT_EXEC).map(drop)),
    call("make memory executable", |_| {
        let at = map(libc::PROT_NONE)?;
        // SAFETY: memory that nobody else uses.
        done(unsafe { libc::mprotect(at, 4096, libc::PROT_READ | libc::PROT_EXEC) })
    }),
    call("make a file in memory", |_| {
        // SAFETY: the name is a string that ends.
        done(unsafe { libc::memfd_create(c"memory".as_ptr(), 0) })
    }),
    call("type for the user", |_| {
        // SAFETY: a terminal would read one byte.
        done(unsafe { libc::ioctl(0, libc::TIOCSTI, b"x".as_ptr()) })
    }),
    call("have signals sent by a file", |_| {
        // SAFETY: plain numbers.
        done(unsafe { libc::fcntl(0, libc::F_SETOWN, 0) })
    }),
    call("change the user", |_| {
        // SAFETY: getuid cannot fail, and the user is the same.
        done(unsafe { libc::setuid(libc::getuid()) })
    }),
    call("change the personality", |_| {
        number(libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0]).map(drop)
    }),
];

/// Further calls, made without arguments once they are refused: some would need root.
pub const CALLS: &[(&str, c_long)] = &[
    ("bind", libc::SYS_bind),
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("bpf", libc::SYS_bpf),
    ("capset", libc::SYS_capset),
    ("chroot", libc::SYS_chroot),
    ("connect", libc::SYS_connect),
    ("copy_file_range", libc::SYS_copy_file_range),
    ("delete_module", libc::SYS_delete_module),
    ("execveat", libc::SYS_execveat),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("finit_module", libc::SYS_finit_module),
    ("getcwd", libc::SYS_getcwd),
    ("init_module", libc::SYS_init_module),
    ("inotify_init1", libc::SYS_inotify_init1),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("linkat", libc::SYS_linkat),
    ("listen", libc::SYS_listen),
    ("mount", libc::SYS_mount),
    ("mq_open", libc::SYS_mq_open),
    ("msgget", libc::SYS_msgget),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("openat2", libc::SYS_openat2),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("pivot_root", libc::SYS_pivot_root),
    ("pkey_mprotect", libc::SYS_pkey_mprotect),
    ("process_madvise", libc::SYS_process_madvise),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("prlimit64", libc::SYS_prlimit64),
    ("ptrace", libc::SYS_ptrace),
    ("recvmsg", libc::SYS_recvmsg),
    ("request_key", libc::SYS_request_key),
    ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    ("seccomp", libc::SYS_seccomp),
    ("sendmsg", libc::SYS_sendmsg),
    ("setns", libc::SYS_setns),
    ("setresuid", libc::SYS_setresuid),
    ("shmget", libc::SYS_shmget),
    ("socketpair", libc::SYS_socketpair),
    ("statx", libc::SYS_statx),
    ("swapon", libc::SYS_swapon),
    ("tkill", libc::SYS_tkill),
    ("umount2", libc::SYS_umount2),
    ("userfaultfd", libc::SYS_userfaultfd),
];

/// A system call by its number.
pub fn number(call: c_long, arguments: [u64; 5]) -> io::Result<i64> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: no argument that is given here is an address, so that no memory is touched.
    match unsafe { libc::syscall(call, a, b, c, d, e) } {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

fn done(result: i32) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn map(protection: i32) -> io::Result<*mut libc::c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory at an address that the kernel chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(at)
}
