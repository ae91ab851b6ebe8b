"""The canary's attacks of one run on another: beside it, and after it."""

import json

from engines.sandbox.ground import LIMITS, Ground
from engines.sandbox.report import Probe

_HOLD = """
import json, os, time
os.umask(0)
try: os.chmod(".", 0o777)
except OSError: pass
open("secret", "w").write("secret")
os.write(4, json.dumps(os.getpid()).encode() + b"\\n")
time.sleep(60)
"""
_PRY = """
import os, pathlib
found = []
paths = [{work!r} + "/secret", "../{name}/secret"]
paths += ["/proc/%d/cwd/secret" % pid for pid in {pids}]
for path in paths:
    for mode in ("r", "a"):
        try: open(path, mode).close(); found.append(mode + " " + path)
        except OSError: pass
try: found += [name for name in os.listdir("..") if name != pathlib.Path.cwd().name]
except OSError: pass
for pid in {pids}:
    try: os.kill(pid, 0); found.append("signal %d" % pid)
    except OSError: pass
print(found)
"""
_MARK = """
import builtins, os, sys, time
builtins.gryph_mark = sys.gryph_mark = True
os.environ["GRYPH_MARK"] = "1"
sys.modules["gryph_mark"] = sys
for place in {places}:
    try: open(os.path.join(os.path.expandvars(place), "gryph_mark"), "w").close()
    except OSError: pass
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
"""
_LOOK = """
import builtins, os, sys
found = [name for name, there in (
    ("builtins", hasattr(builtins, "gryph_mark")), ("sys", hasattr(sys, "gryph_mark")),
    ("environment", "GRYPH_MARK" in os.environ), ("modules", "gryph_mark" in sys.modules),
) if there]
for place in {places}:
    path = os.path.join(os.path.expandvars(place), "gryph_mark")
    if os.path.lexists(path): found.append(path)
try: pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
except OSError: pids = []
for pid in pids:
    if pid in (os.getpid(), os.getppid(), 1): continue
    found.append("process %d" % pid)
print(found)
"""
_SHARED = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/")  # noqa: S108 - of the jail
_PLACES = ["$TMPDIR", "$HOME", "..", "/dev", "/dev/pts", *_SHARED]
_NOTHING = "nothing found"


def probe_neighbour(ground: Ground) -> Probe:
    """A run beside another goes for its folder and its processes."""
    with (
        ground.server.folder() as work,
        ground.server.folder() as own,
        ground.hold(_HOLD, work) as conversation,
    ):
        pid = json.loads(str(conversation.receive(10.0)))
        pids = [pid] if pid > _FEW else []
        code = _PRY.format(work=str(work), name=work.name, pids=pids)
        outcome = ground.run(code, LIMITS, own)
        found = outcome.stdout.decode().strip()
        untouched = (work / "secret").read_text() == "secret"
    held = found == "[]" and untouched
    return Probe("go for a run beside it", _NOTHING, found or _complaint(outcome.stderr), held)


_FEW = 10
"""A pid as small is one of a namespace of its own, and names another process in another's."""


def probe_successor(ground: Ground) -> Probe:
    """A run looks for what an earlier one left: memory, files, processes."""
    ground.run(_MARK.format(places=_PLACES))
    outcome = ground.run(_LOOK.format(places=_PLACES))
    found = outcome.stdout.decode().strip()
    happened = found or _complaint(outcome.stderr)
    return Probe("look for what an earlier run left", _NOTHING, happened, found == "[]")


def _complaint(stderr: bytes) -> str:
    return (stderr.decode(errors="replace").strip().splitlines() or ["no answer"])[-1]


NEIGHBOUR_PROBES = (probe_neighbour, probe_successor)
