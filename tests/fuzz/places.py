"""Odd names, odd kinds of files, and files that change while they are read."""

from __future__ import annotations

import glob
import os
import socket
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import mutations
from tests.fuzz.account import rows_by_name
from tests.fuzz.wellformed import csv_file

NAMES = (
    *("a b.csv", " lead.csv", "trail.csv ", "ü 茶 😀.csv", "new\nline.csv", "tab\t.csv", "quote'.csv", 'quote".csv'),
    *("back`tick.csv", "star*.csv", "brack[1].csv", "quest?.csv", "brace{a,b}.csv", "$(touch x).csv", "${HOME}.csv"),
    *("-rf.csv", "..csv", "x" * 251 + ".csv", "\x1b[31mred.csv", "%20%2F.csv", "a=b.csv", "back\\slash.csv", "~.csv"),
    *(
        "'; drop table products;--.csv",
        "x' OR '1'='1.csv",
        "\u202egnp.csv",
        "\u2028.csv",
        "#.csv",
        "a&b|c.csv",
        "NUL.csv",
    ),
    *("bad\udcff.csv", "e\u0301.csv", "é.csv", ":.csv", "__HIVE_DEFAULT_PARTITION__.csv", "_delta_log.csv", "\r.csv"),
)


def case(random: Random, number: int) -> Any:
    """One of the three."""
    return random.choices([_named, _special, _changing], [5, 2, 3])[0](random, number)


def _named(random: Random, number: int) -> Any:
    from tests.fuzz.cases import Case

    file = csv_file(random)
    name = random.choice(NAMES)
    deep = random.choice(["", "", "sub folder/", "a/../", "1=2/x'y/", "[x]/"])
    path = random.choice(
        [
            name,
            "**/*",
            glob.escape(deep + name),
            "./" + glob.escape(deep) + "*",
            [glob.escape(deep) + "*", glob.escape(deep + name)],
        ]
    )
    deep = "" if path == name else deep
    path = [path] if isinstance(path, str) else path
    path = [glob.escape(deep + name)] if name.startswith(".") else path  # hidden: no `*` matches it
    path = [one.replace("${HOME}", "*") if one != "**/*" else one for one in path]
    content = file.content

    def write(folder: Path) -> None:
        (folder / deep).mkdir(parents=True, exist_ok=True)
        (folder / deep / name).write_bytes(content)

    must = rows_by_name(file.values, _names(file))
    is_text = "\udcff" not in name
    return Case(
        number, "odd name", path, file.options, write, content, must_land=must, verdict="land" if is_text else "refuse"
    )


def _special(random: Random, number: int) -> Any:
    """Pipes, devices, folders, sockets and links."""
    from tests.fuzz.cases import Case

    kind = random.choice(["pipe", "zero", "null", "folder", "socket", "loop", "dangling", "link", "empty", "stdin"])
    file = csv_file(random)
    content = file.content

    def write(folder: Path) -> None:
        path = folder / "f.csv"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            here = os.getcwd()
            os.chdir(folder)  # a socket's path may be 107 bytes long
            socket.socket(socket.AF_UNIX).bind("f.csv")
            os.chdir(here)
        elif kind == "empty":
            path.touch()
        elif kind == "link":
            (folder / "elsewhere").write_bytes(content)
            path.symlink_to("elsewhere")
        else:
            path.symlink_to(
                {"zero": "/dev/zero", "null": "/dev/null", "loop": "f.csv", "dangling": "no", "stdin": "/dev/stdin"}[
                    kind
                ]
            )

    if kind == "link":
        must = rows_by_name(file.values, _names(file))
        return Case(number, "special: link", "f.csv", file.options, write, content, must_land=must, verdict="land")
    return Case(number, f"special: {kind}", "f.csv", {}, write, verdict="refuse", deadline=20)


def _changing(random: Random, number: int) -> Any:
    """A file that is cut, appended to, rewritten, replaced or taken away after its first block was read."""
    from tests.fuzz.cases import Case

    file = csv_file(random)
    content = mutations.intact(random, file).content
    change = random.choice(
        [
            "appended to",
            "cut",
            "rewritten",
            "replaced",
            "taken away",
            "a folder now",
            "the next goes",
            "the next changes",
        ]
    )
    paths = ["f.csv", "g.csv"] if change.startswith("the next") else ["f.csv"]

    def write(folder: Path) -> None:
        (folder / "f.csv").write_bytes(content)
        if len(paths) == 2:
            (folder / "g.csv").write_bytes(content + b"1,2,3\n")

    def meanwhile(folder: Path) -> None:
        path = folder / "f.csv"
        if change == "the next goes":
            (folder / "g.csv").unlink(missing_ok=True)
        elif change == "the next changes":
            (folder / "g.csv").write_bytes(content + b"4,5,6\n")
        elif change == "appended to":
            with open(path, "ab") as stream:
                stream.write(b"1,2,3,4\n")
        elif change == "cut":
            os.truncate(path, len(content) // 2)
        elif change == "rewritten":
            path.write_bytes(bytes(len(content)))
        elif change == "replaced":
            (folder / "other").write_bytes(content + b"\n")
            os.replace(folder / "other", path)
        else:
            path.unlink(missing_ok=True)
            if change == "a folder now":
                path.mkdir(exist_ok=True)

    return Case(number, f"changing: {change}", paths, file.options, write, verdict="refuse", meanwhile=meanwhile)


def _names(file: Any) -> list[str]:
    return file.names if file.options.get("header") != "false" else [f"_c{i}" for i in range(len(file.names))]
