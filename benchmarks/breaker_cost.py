"""What a call through the breaker costs, against the same call without it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from results import Comparison, Goal
from serving import Program, Service

CALLS = 200_000
GOAL = Goal(value_below=20, unit=" µs")
WITHOUT = "no breaker"
# Run by the service's own Python, where its package is installed.
SCRIPT = """
import contextlib, importlib, json, sys, threading, time

breakers = importlib.import_module(f"{sys.argv[1]}.core.clients")
calls = int(sys.argv[2])

def closed():
    return breakers.Breaker("closed")

def opened():
    breaker = breakers.Breaker("open", seconds=3600)
    for _ in range(breaker.failures):
        with contextlib.suppress(ZeroDivisionError), breaker.call():
            1 / 0
    return breaker

def passing(call, times):
    begun = time.perf_counter()
    for _ in range(times):
        with call():
            pass
    return (time.perf_counter() - begun) / times * 1e6

def refused(call, times):
    made = 0
    begun = time.perf_counter()
    for _ in range(times):
        try:
            with call():
                made += 1
        except breakers.ServiceUnavailableError:
            pass
    took = (time.perf_counter() - begun) / times * 1e6
    assert made == 0, f"{made} calls passed an open breaker"
    return took

def threads(call, times, count=8):
    each = [threading.Thread(target=passing, args=(call, times // count)) for _ in range(count)]
    begun = time.perf_counter()
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    return (time.perf_counter() - begun) / times * 1e6

print(json.dumps({
    "no breaker": passing(contextlib.nullcontext, calls),
    "closed": passing(closed().call, calls),
    "closed, 8 threads": threads(closed().call, calls),
    "open, refused": refused(opened().call, calls),
}))
"""


def measure(service: Service, rounds: int) -> list[Comparison]:
    """Microseconds for each call, entering and leaving."""
    took = defaultdict[str, list[float]](list)
    for each in range(1, rounds + 1):
        print(f"  round {each} of {rounds}", flush=True)
        program = Program([service.python, "-c", SCRIPT], Path(service.folder), {})
        # Above it stands what the breaker logs.
        written = program.run(service.package, str(CALLS)).splitlines()[-1]
        for name, microseconds in json.loads(written).items():
            took[name].append(microseconds)
    without = took.pop(WITHOUT)
    return [Comparison(f"a call, {name}", " µs", values, WITHOUT, without, GOAL) for name, values in took.items()]
