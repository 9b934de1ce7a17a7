//! What the sandbox gives, charges for and withholds, as programs see it.

use crate::runtime::{exit_status, in_sandbox, printed, program, report, run};
use touchstone::domain::Limits;
use touchstone::sandbox::{Ending, Execution, LimitKind, Run};

/// That programs print this and end well.
#[track_caller]
fn check(rows: &[(&str, &str)]) {
    let mistakes: Vec<_> = in_sandbox(|sandbox| {
        let mut mistake = |(code, expect): &(&str, &str)| {
            let execution = sandbox.run(&program(code, "")).expect("no fault of ours");
            let right = exit_status(&execution) == Some(0) && printed(&execution) == *expect;
            (!right).then(|| {
                let errors = String::from_utf8_lossy(&execution.stderr);
                let (ending, printed) = (&execution.ending, printed(&execution));
                format!("{code}\nprinted {printed:?} instead of {expect:?}, {errors}, {ending:?}")
            })
        };
        rows.iter().filter_map(&mut mistake).collect()
    });
    report(&mistakes);
}

fn fuel(code: &str) -> u64 {
    let execution = run(&program(code, ""));
    assert_eq!(exit_status(&execution), Some(0), "{code}: {execution:?}");
    execution.fuel.0
}

fn with_seed(code: &str, seed: u64) -> String {
    let run_of = Run {
        seed,
        ..program(code, "")
    };
    let execution = run(&run_of);
    assert_eq!(exit_status(&execution), Some(0), "{code}: {execution:?}");
    printed(&execution)
}

fn limited(code: &str, limits: Limits) -> Execution {
    run(&Run {
        limits,
        ..program(code, "")
    })
}

#[test]
fn host_work_is_charged() {
    // What a call costs the host at least, at 10 fuel to the nanosecond: half a microsecond.
    const LEAST: u64 = 5_000;
    let setup = "import os, time\nopen('f', 'w').write('x' * 100)\nfd = os.open('f', os.O_RDWR)\n";
    for call in [
        "os.stat('/work')",
        "os.stat('f')",
        "os.listdir('/')",
        "os.path.exists('nothing')",
        "os.urandom(1)",
        "time.time()",
        "time.sleep(0)",
        "os.write(fd, b'')",
        "os.lseek(fd, 0, 0)",
        "os.read(fd, 1)",
        "open('f').close()",
    ] {
        let times = |count: u64| fuel(&format!("{setup}for _ in range({count}): {call}\n"));
        let (one, two) = (times(2_000), times(4_000));
        let each = (two - one) / 2_000;
        assert!(each >= LEAST, "{call}: {each}");
    }
}

#[test]
fn twenty_thousand_calls_take_guest_time() {
    let times = |count| {
        fuel(&format!(
            "import os\nfor _ in range({count}): os.stat('/')\n"
        ))
    };
    let (one, two) = (times(20_000), times(40_000));
    let loops = times(0);
    assert!(one - loops >= 20_000 * 5_000, "{one}");
    // Each call costs the same, however many there were.
    let ratio = (two - loops) as f64 / (one - loops) as f64;
    assert!((1.95..2.05).contains(&ratio), "{ratio}");
}

#[test]
fn bytes_are_charged() {
    let write = |count: u64| {
        fuel(&format!(
            "import os\nb = bytes(1 << 20)\nfd = os.open('f', os.O_CREAT | os.O_WRONLY)\n\
             for _ in range({count}): os.lseek(fd, 0, 0); os.write(fd, b)\n"
        ))
    };
    assert!(write(20) - write(10) >= 10 << 20);
    let random = |bytes: u64| fuel(&format!("import os\nos.urandom({bytes})\n"));
    assert!(random(2 << 20) - random(1 << 20) >= 1 << 20);
}

#[test]
fn the_clock_starts_at_a_fixed_instant_and_moves_with_work() {
    check(&[
        (
            "import time, datetime\nprint(int(time.time()), datetime.datetime.now().date(), datetime.date.today())",
            "1767225600 2026-01-01 2026-01-01\n",
        ),
        (
            "import time\na = time.time_ns(), time.monotonic_ns(), time.perf_counter_ns(), time.process_time_ns()\n\
             sum(range(10**6))\n\
             b = time.time_ns(), time.monotonic_ns(), time.perf_counter_ns(), time.process_time_ns()\n\
             print([y > x for x, y in zip(a, b)], [y - x < 10**9 for x, y in zip(a, b)])",
            "[True, True, True, True] [True, True, True, True]\n",
        ),
        (
            "import time\nprint(time.tzname, time.timezone, time.localtime(0)[:6])",
            "('UTC', 'UTC') 0 (1970, 1, 1, 0, 0, 0)\n",
        ),
    ]);
}

#[test]
fn sleeping_moves_the_clocks_and_waits_for_nothing() {
    // Fifty minutes of sleep end at once; a test that waited for them would never be run.
    let hours = Limits {
        time_ms: 60 * 60 * 1000,
        ..Limits::default()
    };
    let execution = limited(
        "import time\n\
         clocks = time.time_ns, time.monotonic_ns, time.perf_counter_ns\n\
         a = [clock() for clock in clocks]\n\
         time.sleep(3000)\n\
         b = [clock() for clock in clocks]\n\
         print([round((y - x) / 10**9, 3) for x, y in zip(a, b)])",
        hours,
    );
    assert_eq!(printed(&execution), "[3000.0, 3000.0, 3000.0]\n");
    // Guest time was spent on it: 10^10 fuel to the second.
    assert!((3000..3001).contains(&(execution.fuel.0 / 10_000_000_000)));
    let execution = limited("import time\ntime.sleep(11)", Limits::default());
    assert_eq!(execution.ending, Ending::Limit(LimitKind::Time));
}

#[test]
fn randomness_follows_the_seed() {
    for source in [
        "random.random()",
        "random.sample(range(10**6), 5)",
        "random.SystemRandom().random()",
        "numpy.random.rand()",
        "numpy.random.default_rng().random()",
        "os.urandom(16)",
        "uuid.uuid4()",
        "secrets.token_hex(16)",
        "secrets.randbelow(10**12)",
        "tempfile.mktemp()",
    ] {
        let code = format!("import os, random, secrets, tempfile, uuid, numpy\nprint({source})");
        let [zero, one, again, large] = [0, 1, 1, u64::MAX].map(|seed| with_seed(&code, seed));
        assert_eq!(one, again, "{source}");
        assert!(
            zero != one && one != large && zero != large,
            "{source}: {zero}{one}{large}"
        );
    }
    // A program's own seed decides alone.
    let own = "import random\nrandom.seed(42)\nprint(random.random())";
    assert_eq!(with_seed(own, 0), "0.6394267984578837\n");
    assert_eq!(with_seed(own, 7), "0.6394267984578837\n");
}

#[test]
fn hashes_are_stable() {
    let code = "print(hash('abc'), hash(b'abc'), list({'a', 'b', 'c', 'd', 'e'}))";
    let texts: Vec<_> = [0, 1, 2].map(|seed| with_seed(code, seed)).into();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[test]
fn nothing_of_the_host_is_there() {
    check(&[
        (
            "import os\nprint(dict(os.environ))\nprint(sorted(os.listdir('/')), os.getcwd(), os.listdir())",
            "{'HOME': '/work', 'LANG': 'C.UTF-8', 'PYTHONTZPATH': '', 'TMPDIR': '/tmp'}\n['dev', 'tmp', 'usr', 'work'] /work []\n",
        ),
        (
            "import os\n\
             for attempt in (lambda: os.remove('/dev/null'), lambda: open('/dev/other', 'w'), lambda: os.rmdir('/dev'),\n\
             \x20               lambda: os.rename('/dev/null', '/work/null'), lambda: open('/usr/local/lib/touchstone.zip', 'a')):\n\
             \x20   try: attempt(); print('done')\n\
             \x20   except OSError as e: print('refused')\n\
             print(os.listdir('/dev'))",
            "refused\nrefused\nrefused\nrefused\nrefused\n['null']\n",
        ),
        (
            "for path in ['/etc/passwd', '/proc/self/maps', '/home', '../../etc/passwd', '/work/../etc/passwd', '/dev/mem', '/root/.cache']:\n\
             \x20   try: open(path); print(path)\n\
             \x20   except (FileNotFoundError, PermissionError): pass",
            "",
        ),
        (
            "import socket\n\
             for attempt in (lambda: socket.create_connection(('1.1.1.1', 80)), lambda: socket.socket().connect(('127.0.0.1', 80)),\n\
             \x20               lambda: socket.socket().bind(('', 0)), lambda: socket.getaddrinfo('example.com', 80),\n\
             \x20               lambda: __import__('urllib.request').request.urlopen('http://example.com')):\n\
             \x20   try: attempt(); print('connected')\n\
             \x20   except OSError as e: print('refused')\n\
             \x20   except (AttributeError, ImportError) as e: print('refused')",
            "refused\nrefused\nrefused\nrefused\nrefused\n",
        ),
        (
            "import os, subprocess\n\
             for attempt in (lambda: subprocess.run(['ls']), lambda: os.system('ls'), lambda: os.fork(), lambda: os.popen('ls'),\n\
             \x20               lambda: os.execv('/bin/ls', ['ls']), lambda: subprocess.check_output('ls', shell=True),\n\
             \x20               lambda: os.kill(1, 9)):\n\
             \x20   try: attempt(); print('started')\n\
             \x20   except OSError as e: print('refused')",
            "refused\nrefused\nrefused\nrefused\nrefused\nrefused\nrefused\n",
        ),
        (
            "import os\nprint(os.getpid() == os.getpid(), os.getuid(), os.cpu_count())",
            "True 1000 1\n",
        ),
    ]);
}

#[test]
fn the_library_is_read_only() {
    check(&[(
        "import os\nlibrary = '/usr/local/lib/python315.zip'\n\
         attempts = [lambda: open(library, 'w'), lambda: open(library, 'r+b'), lambda: open(library, 'ab'), lambda: os.remove(library),\n\
         \x20           lambda: os.rename(library, '/work/x'), lambda: os.truncate(library, 0), lambda: os.utime(library),\n\
         \x20           lambda: open('/usr/local/lib/new', 'w'), lambda: os.mkdir('/usr/new'), lambda: os.rmdir('/usr/local/lib'),\n\
         \x20           lambda: os.rename('/usr', '/work/usr'), lambda: os.link(library, '/work/x'), lambda: open('/new', 'w')]\n\
         for attempt in attempts:\n\
         \x20   try: attempt(); print('done', attempts.index(attempt))\n\
         \x20   except OSError: pass\n\
         print(open(library, 'rb').read(2), os.path.exists(library))",
        "b'PK' True\n",
    )]);
}

#[test]
fn files_are_bounded_in_number_and_bytes() {
    check(&[
        (
            "try:\n    with open('f', 'wb') as f:\n        for _ in range(100): f.write(bytes(1 << 20))\n    print('wrote')\n\
             except OSError as e: print(type(e).__name__)",
            "OSError\n",
        ),
        (
            "import os\ntry:\n    with open('f', 'wb') as f: f.truncate(1 << 40)\n    print('grown')\n\
             except OSError as e: print(type(e).__name__)\nprint(os.path.getsize('f'))",
            "OSError\n0\n",
        ),
        (
            "import os\ntry:\n    with open('f', 'wb') as f:\n        f.seek(1 << 40); f.write(b'x')\n    print('wrote')\n\
             except OSError as e: print(type(e).__name__)",
            "OSError\n",
        ),
        (
            "import os\ntry:\n    for i in range(10**6): os.close(os.open(f'f{i}', os.O_CREAT | os.O_RDWR))\n    print('made')\n\
             except OSError as e: print(type(e).__name__, i > 10_000)",
            "OSError True\n",
        ),
        (
            "import os\ntry:\n    for i in range(10**6): os.mkdir('d'); os.chdir('d')\n    print('made')\n\
             except OSError as e: print(type(e).__name__, i > 50)",
            "OSError True\n",
        ),
        (
            "import os\ntry:\n    for i in range(10**6): os.open('f', os.O_CREAT | os.O_RDWR)\n    print('opened')\n\
             except OSError as e: print(type(e).__name__, i > 500)",
            "OSError True\n",
        ),
        // What is removed makes room for bytes.
        (
            "import os\nfor i in range(10):\n    with open('f', 'wb') as f: f.write(bytes(30 << 20))\n    os.remove('f')\nprint('fine')",
            "fine\n",
        ),
    ]);
}

#[test]
fn a_program_that_grew_leaves_no_trace_on_smaller_ones() {
    let small = program("a = bytearray(1 << 20)\nprint(len(a))", "");
    let large = program("a = bytearray(180 << 20)\nprint(len(a))", "");
    let greedy = program("a = []\nwhile True: a.append(bytearray(1 << 20))", "");
    let alone = run(&small);
    in_sandbox(|sandbox| {
        for before in [&large, &greedy, &small, &large, &large] {
            sandbox.run(before).expect("no fault of ours");
            assert_eq!(sandbox.run(&small).expect("no fault of ours"), alone);
        }
    });
}

#[test]
fn deep_nesting_ends_cleanly() {
    // With a result or an exception of Python's own; an interpreter that crashes prints nothing.
    let nested = "x = []\nfor _ in range(20_000): x = [x]\n";
    let clean = |setup: &str, expression: &str| {
        let errors = "RecursionError, MemoryError, SyntaxError, ValueError, OverflowError";
        format!(
            "import ast, copy, functools, json, pickle, re, traceback\n{setup}try: {expression}\nexcept ({errors}, re.error): pass\nprint('clean')"
        )
    };
    let programs = [
        clean(nested, "repr(x)"),
        clean(nested, "json.dumps(x)"),
        clean(nested, "copy.deepcopy(x)"),
        clean(nested, "pickle.dumps(x)"),
        clean(nested, "x == copy.copy(x)"),
        clean(&format!("{nested}y = x\n{nested}"), "x == y"),
        clean(&format!("{nested}y = x\n{nested}"), "x < y"),
        clean(&format!("{nested}import pprint\n"), "pprint.pformat(x)"),
        clean("x = ()\nfor _ in range(10**5): x = (x,)\n", "hash(x)"),
        clean("x = int\nfor _ in range(10**5): x = list[x]\n", "repr(x)"),
        clean("x = {}\nfor _ in range(10**4): x = {0: x}\n", "str(x)"),
        clean("x = None\nfor _ in range(10**6): x = [x]\ndel x\n", "0"),
        clean(
            "x = int\nfor _ in range(10**5): x = functools.partial(x)\n",
            "x()",
        ),
        clean(
            "x = (int,)\nfor _ in range(10**5): x = (x,)\n",
            "isinstance(0, x)",
        ),
        clean(
            "e = None\nfor i in range(10**4):\n    n = ValueError(i); n.__cause__ = e; e = n\n",
            "traceback.format_exception(e)",
        ),
        clean("", "json.loads('[' * 10**5)"),
        clean("", "json.loads('{\"a\":' * 10**5)"),
        clean("", "pickle.loads(b'(' * 10**5 + b't' * 10**5 + b'.')"),
        clean("", "ast.parse('(' * 5000 + ')' * 5000)"),
        clean("", "ast.literal_eval('-' * 10**5 + '1')"),
        clean("", "ast.parse('a' + '.b' * 10**5)"),
        clean("", "ast.dump(ast.parse('1' + '+1' * 3000))"),
        clean("", "eval('1' + '+1' * 10**5)"),
        clean("", "eval('[' * 150 + ']' * 150)"),
        clean(
            "",
            "exec('if 1:\\n' + ''.join(' ' * i + 'if 1:\\n' for i in range(1, 200)) + ' ' * 200 + 'pass')",
        ),
        clean("", "re.compile('(' * 10**4 + ')' * 10**4)"),
        clean("", "re.compile('(?:' * 10**4 + 'a' + ')*' * 10**4)"),
        clean("", "re.match('(?:a|b)*', 'ab' * 10**5)"),
        clean("", "re.match('(?:(?:a)|(b))*?c', 'ab' * 10**5)"),
        clean(
            "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and f(n - 1)\n",
            "f(50_000)",
        ),
    ];
    let rows: Vec<_> = programs
        .iter()
        .map(|code| (code.as_str(), "clean\n"))
        .collect();
    check(&rows);
}

#[test]
fn limits_are_exact_to_the_unit() {
    let code = "print(1)";
    let whole = run(&program(code, ""));
    let spare = |time_ms| {
        let limits = Limits {
            time_ms,
            ..Limits::default()
        };
        limited(code, limits)
    };
    // As much guest time as it takes, in whole milliseconds: the same execution.
    let enough = whole.fuel.0.div_ceil(10_000_000);
    assert_eq!(spare(enough), whole);
    let endless = "while True: pass";
    for time_ms in [1, 7, 100] {
        let limits = Limits {
            time_ms,
            ..Limits::default()
        };
        let execution = limited(endless, limits);
        assert_eq!(execution.ending, Ending::Limit(LimitKind::Time));
        assert_eq!(execution.fuel.0, time_ms * 10_000_000);
    }
}
