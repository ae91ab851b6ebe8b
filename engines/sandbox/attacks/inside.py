"""Where the canary's runs begin inside the jail; what to do is told by the environment."""

import json
import os
import sys

from engines.sandbox.attacks import exhaustion, ordinary, powers, reach
from engines.sandbox.attacks.attempt import targets

HOSTILE = {**reach.ATTACKS, **powers.ATTACKS, **exhaustion.ATTACKS}
ORDINARY = ordinary.DEEDS


def probe() -> None:
    """Make the attacks named in PROBES on what is named in PROBE_TARGETS.

    Prints one JSON line per probe: its name, whether it went as it must in a jail, what happened.
    """
    told = os.environ  # noqa: TID251 - the jail's own variables
    targets.update(json.loads(told["PROBE_TARGETS"]))
    known = {**HOSTILE, **ORDINARY}
    for name in json.loads(told["PROBES"]):
        held, happened = known[name]()
        line = json.dumps({"probe": name, "held": held, "happened": happened})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
