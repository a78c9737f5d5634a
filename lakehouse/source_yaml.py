"""YAML as people write it: every value stays text, a key that appears twice is refused, faults name a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import InputError

_BASE: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml refuses deep nesting before it costs seconds


class _PlainTextLoader(_BASE):
    """`no`, `1` and `2024-01-01` stay the text that was written: they are SQL or column names here."""


def _mapping_without_twins(loader: _PlainTextLoader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"line {line}: a key must be a plain name")
        if key_node.value in seen:
            raise InputError(f"line {line}: the key `{key_node.value}` appears twice")
        seen[key_node.value] = loader.construct_object(value_node, deep=True)  # type: ignore[no-untyped-call]
    return seen


_PlainTextLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_twins)


def read_yaml(path: Path, called: str = "source file", keys: str = "`name:` and `entities:`") -> dict[str, Any]:
    """The mapping in a YAML file; scalars are strings.

    Args:
        called: what the file is to the person who wrote it.
        keys: what it must have, for the message.

    Raises:
        InputError: the file is missing, unreadable, not YAML or not a mapping; names the line if there is one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{called} {path} does not exist") from None
    except IsADirectoryError:
        raise InputError(f"{called} {path} is a folder; name the YAML file in it") from None
    except PermissionError:
        raise InputError(f"{called} {path} cannot be read: permission denied") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{called} {path} is not UTF-8 text (byte {error.start})") from None
    try:
        content = yaml.load(text, Loader=_PlainTextLoader)
    except InputError as error:
        raise InputError(f"{called} {path}, {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{called} {path}{where}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{called} {path}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{called} {path}: not valid YAML: it is nested too deep") from None
    if not isinstance(content, dict):
        raise InputError(f"{called} {path} must be a mapping with {keys}")
    return content
