"""Writes finops_sdk/_types.py from openapi/openapi.json: the schemas that the client sends and reads, as TypedDicts.

With `--check` it writes nothing, and fails if the file is out of date.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DESCRIPTION = HERE.parents[2] / "openapi" / "openapi.json"
TARGET = HERE.parent / "finops_sdk" / "_types.py"

# What the client sends and reads; what these refer to comes with them.
ROOTS = (
    "UsageEventRequest",
    "UsageBatchAnswer",
    "CostRow",
    "CostTotal",
    "Freshness",
    "GuardAnswer",
    "GuardRefusal",
    "Problem",
)

HEAD = '''"""Types of the API. Made by scripts/generate.py from openapi/openapi.json; do not edit."""

from __future__ import annotations

from typing import {names}
'''

# What the types may be made of.
NAMES = ("Any", "Dict", "List", "Literal", "Optional", "TypedDict", "Union")

SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def reference(schema: dict[str, Any]) -> str:
    return schema["$ref"].rsplit("/", 1)[1]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [reference(value)] if "$ref" in value else []
        return own + [name for inner in value.values() for name in references(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in references(inner)]
    return []


def union(parts: list[str]) -> str:
    some = [part for part in dict.fromkeys(parts) if part != "None"]
    if not some:
        return "None"
    inner = some[0] if len(some) == 1 else f"Union[{', '.join(some)}]"
    return f"Optional[{inner}]" if "None" in parts else inner


def kind(schema: dict[str, Any]) -> str:
    """The Python type of a schema."""
    if "$ref" in schema:
        return reference(schema)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return union([kind(part) for part in schema[choice]])
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
    types = schema.get("type", "object")
    return union([of_type(name, schema) for name in ([types] if isinstance(types, str) else types)])


def of_type(name: str, schema: dict[str, Any]) -> str:
    if name == "array":
        return f"List[{kind(schema['items'])}]"
    if name == "object":
        values = schema.get("additionalProperties")
        return f"Dict[str, {kind(values)}]" if isinstance(values, dict) else "Dict[str, Any]"
    return SCALARS[name]


def comment(schema: dict[str, Any]) -> list[str]:
    described = schema.get("description") or next(
        (part["description"] for part in schema.get("oneOf", []) if "description" in part), ""
    )
    return [f"    # {line}" for line in textwrap.wrap(" ".join(described.split()), 110)]


def fields(schema: dict[str, Any], names: list[str]) -> list[str]:
    lines: list[str] = []
    for name in names:
        field = schema["properties"][name]
        lines += [*comment(field), f"    {name}: {kind(field)}"]
    return lines


def typed_dict(name: str, schema: dict[str, Any]) -> str:
    """Python 3.9 knows no NotRequired: fields that may be missing are in a class of their own."""
    assert not any(keyword.iskeyword(field) for field in schema["properties"]), name
    required = [field for field in schema["properties"] if field in schema.get("required", [])]
    optional = [field for field in schema["properties"] if field not in required]
    about = " ".join(schema.get("description", name).split("\n\n")[0].split())
    doc = f'    """{about.rstrip(".")}."""'
    text = []
    base = "TypedDict"
    if required and optional:
        base = f"_{name}"
        text.append("\n".join([f"class {base}(TypedDict):", *fields(schema, required)]))
    if optional:
        text.append("\n".join([f"class {name}({base}, total=False):", doc, "", *fields(schema, optional)]))
    else:
        text.append("\n".join([f"class {name}(TypedDict):", doc, "", *fields(schema, required)]))
    return "\n\n\n".join(text)


def generate(description: dict[str, Any]) -> str:
    schemas = description["components"]["schemas"]
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for inner in references(schemas[name]):
                if inner != name:
                    visit(inner)
            order.append(name)

    for root in ROOTS:
        visit(root)
    aliases = [name for name in order if "properties" not in schemas[name]]
    lines = [f"{name} = {kind(schemas[name])}" for name in aliases]
    classes = [typed_dict(name, schemas[name]) for name in order if name not in aliases]
    made = "\n".join([*lines, *classes])
    head = HEAD.format(names=", ".join(name for name in NAMES if re.search(rf"\b{name}\b", made)))
    listed = "\n".join(["__all__ = [", *(f'    "{name}",' for name in sorted(order)), "]"])
    return "\n\n\n".join([head + "\n" + listed + "\n\n" + "\n".join(lines), *classes]) + "\n"


def main() -> int:
    text = generate(json.loads(DESCRIPTION.read_text("utf-8")))
    if "--check" in sys.argv[1:]:
        if TARGET.read_text("utf-8") != text:
            print("finops_sdk/_types.py is out of date: python3 scripts/generate.py", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
