"""A fuzz run: cases in child processes under a memory fuse and a deadline, and the account of all of them."""

from __future__ import annotations

import argparse
import json
import os
import queue
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.fuzz.cases import make_case
from tests.fuzz.feeding import feed_all, limit_memory

CASES = 5_200
CASES_PER_CHILD = 260
MEMORY_FUSE_MIB = 8192
PEAK_LIMIT_MIB = 2048
Result = dict[str, Any]


def main() -> int:
    arguments = _arguments()
    if arguments.child:
        return _be_child(arguments)
    seed = int(time.strftime("%Y%m%d")) if arguments.seed is None else arguments.seed
    numbers = range(arguments.cases) if arguments.case is None else range(arguments.case, arguments.case + 1)
    print(f"seed {seed}, {len(numbers)} cases (again: make fuzz SEED={seed})", flush=True)
    began = time.monotonic()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="lakehouse-fuzz-") as folder:
        for result in _supervised(Path(folder), seed, numbers, arguments.jobs):
            results.append(result)
            _limit_peak(result)
            for fault in result["faults"]:
                print(f"FAULT case {result['number']} ({result['kind']}): {fault}", flush=True)
            if result["faults"]:
                print(
                    f"      again: {sys.executable} -m tests.fuzz --seed {seed} --case {result['number']}", flush=True
                )
            if len(results) % 500 == 0:
                print(f"  {len(results):,} cases, {time.monotonic() - began:.0f} s", flush=True)
    return _report(seed, results, time.monotonic() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="default: the date")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--case", type=int, help="only this case of the seed")
    parser.add_argument("--jobs", type=int, default=2, help="child processes at a time")
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _be_child(arguments: argparse.Namespace) -> int:
    limit_memory(MEMORY_FUSE_MIB)
    for outcome in feed_all(arguments.folder, arguments.seed, range(*arguments.child)):
        print(json.dumps(outcome.as_dict()), flush=True)
    return 0


def _supervised(folder: Path, seed: int, numbers: range, jobs: int) -> Iterator[Result]:
    """Results of all cases, by child processes of a few hundred each, as they come."""
    chunks = [numbers[start : start + CASES_PER_CHILD] for start in range(0, len(numbers), CASES_PER_CHILD)]
    found: queue.Queue[Result | None] = queue.Queue()

    def work(chunk: range) -> None:
        try:
            for result in _chunk(folder, seed, chunk):
                found.put(result)
        finally:
            found.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        done = [pool.submit(work, chunk) for chunk in chunks]
        left = len(chunks)
        while left:
            result = found.get()
            if result is None:
                left -= 1
            else:
                yield result
        for one in done:
            one.result()


def _chunk(folder: Path, seed: int, numbers: range) -> Iterator[Result]:
    """Results of these cases; a child that dies or hangs costs the case it was at, and another goes on after it."""
    following = numbers.start
    while following < numbers.stop:
        place = folder / str(following)
        place.mkdir()
        command = [sys.executable, "-m", "tests.fuzz", "--seed", str(seed), "--folder", str(place)]
        command += ["--child", str(following), str(numbers.stop)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            while following < numbers.stop:
                line = _line(process, make_case(seed, following).deadline + 60)
                if not line:
                    hangs = process.poll() is None and not _ended(process)
                    process.kill()
                    code = process.wait()
                    fault = "hangs: killed after its deadline" if hangs else f"the process ended with {code}"
                    yield _dead(seed, following, fault)
                    following += 1
                    break
                yield json.loads(line)
                following += 1
        if following == numbers.stop and process.returncode > 0:
            print(f"NOTE  a child ended with {process.returncode} after its last case", flush=True)
        if following == numbers.stop and process.returncode < 0:
            print(f"NOTE  a child ended by signal {-process.returncode} after its last case", flush=True)
        shutil.rmtree(place, ignore_errors=True)


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        return False
    return True


def _line(process: subprocess.Popen[str], seconds: float) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline() if ready else ""


def _dead(seed: int, number: int, fault: str) -> Result:
    blank = dict.fromkeys(("rows", "read", "landed", "quarantined", "lost", "seconds", "peak_mib"), 0)
    return {
        **blank,
        "number": number,
        "kind": make_case(seed, number).kind,
        "state": "fault",
        "files": 1,
        "refusal": "",
        "faults": [fault],
    }


def _limit_peak(result: Result) -> None:
    if result["peak_mib"] > PEAK_LIMIT_MIB:
        result["faults"].append(f"held {result['peak_mib']} MiB")


def _report(seed: int, results: list[Result], seconds: float) -> int:
    total = {name: sum(r[name] for r in results) for name in ("files", "rows", "read", "landed", "quarantined", "lost")}
    states = Counter(r["state"] for r in results)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    slowest, largest = (max(results, key=lambda r: r[by]) for by in ("seconds", "peak_mib"))
    kinds = Counter(r["kind"].split(":")[0] for r in results)
    print(f"\nfiles      {len(results):,}: {states['landed']:,} landed, {states['refused']:,} refused")
    print(f"kinds      {', '.join(f'{kind} {count:,}' for kind, count in kinds.most_common())}")
    print(
        f"rows       {total['rows']:,} counted, {total['read']:,} read = {total['landed']:,} landed + "
        f"{total['quarantined']:,} quarantined; {total['lost']:,} lost"
    )
    print(f"memory     {largest['peak_mib']:,} MiB at most (case {largest['number']}, {largest['kind']})")
    print(f"slowest    {slowest['seconds']:.1f} s (case {slowest['number']}, {slowest['kind']})")
    print(f"time       {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} CPU seconds")
    for label in sorted({r["kind"] for r in results if r["kind"].startswith("bomb")}):
        r = next(r for r in results if r["kind"] == label)
        print(f"           {label}: {r['state']}, {r['seconds']:.1f} s, {r['peak_mib']:,} MiB")
    print("refusals")
    for reason, count in Counter(r["refusal"] for r in results if r["state"] == "refused").most_common():
        print(f"  {count:6,}   {reason}")
    bad = [r for r in results if r["faults"]]
    print(f"\n{len(bad)} of {len(results):,} cases at fault (seed {seed})" if bad else f"no faults (seed {seed})")
    return 1 if bad else 0


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[2])
    sys.exit(main())
