#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Validate JSON against a schema.

usage: validate_schema.py SCHEMA FILE               one JSON text, or one object a line; - reads stdin
       validate_schema.py SCHEMA --run PROGRAM...   the same for what a program prints

Exit code: 0 valid, 1 invalid, empty or not readable, 2 usage, 77 python3-jsonschema is not installed.
"""

import json
import subprocess
import sys

ERRORS_SHOWN = 10


def refuse_duplicates(pairs):
    """An object of which a reader would silently see only a part is no good output."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {key!r} stands twice in one object")
    return dict(pairs)


def refuse_constant(name):
    """NaN and Infinity are no JSON, though Python would read them."""
    raise ValueError(f"{name} is no JSON")


def parse(text):
    return json.loads(text, object_pairs_hook=refuse_duplicates, parse_constant=refuse_constant)


def read(argv):
    if argv[0] == "--run":
        return subprocess.run(argv[1:], check=True, stdout=subprocess.PIPE).stdout
    if argv[0] == "-":
        return sys.stdin.buffer.read()
    with open(argv[0], "rb") as file:
        return file.read()


def documents(data):
    """Yield (line number, text) of each JSON text: every line if the first one is whole by itself."""
    text = data.decode("utf-8")
    lines = text.split("\n")
    try:
        json.loads(lines[0])
    except ValueError:
        yield 1, text
        return
    if lines[-1] != "":
        raise ValueError(f"line {len(lines)}: it does not end with a newline")
    for number, line in enumerate(lines[:-1], 1):
        yield number, line


def check(validator, data, name):
    """Return how many texts are valid, and what is wrong with the others."""
    valid = 0
    errors = []
    try:
        for number, text in documents(data):
            try:
                found = sorted(validator.iter_errors(parse(text)), key=lambda error: error.json_path)
            except ValueError as error:
                errors.append(f"{name}:{number}: {error}")
                continue
            valid += not found
            for error in found:
                errors += [f"{name}:{number}: {line}" for line in describe(error)]
    except ValueError as error:
        errors.append(f"{name}: {error}")
    return valid, errors


def describe(error):
    """Where a oneOf failed, the alternative that came nearest says more than the whole."""
    if not error.context:
        return [f"{error.json_path}: {error.message[:300]}"]
    alternatives = {}
    for inner in error.context:
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    nearest = min(alternatives.values(), key=len)
    return [line for inner in nearest for line in describe(inner)]


def main(argv):
    if len(argv) < 3 or (argv[2] == "--run") != (len(argv) > 3):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import jsonschema
    except ImportError:
        print("SKIP: python3-jsonschema is not installed")
        return 77
    name = argv[3] if argv[2] == "--run" else argv[2]
    try:
        with open(argv[1], encoding="utf-8") as file:
            schema = parse(file.read())
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        data = read(argv[2:])
    except (OSError, ValueError, subprocess.CalledProcessError, jsonschema.SchemaError) as error:
        print(f"cannot validate '{name}' against '{argv[1]}': {error}", file=sys.stderr)
        return 1
    valid, errors = check(kind(schema), data, name)
    for error in errors[:ERRORS_SHOWN]:
        print(error, file=sys.stderr)
    if len(errors) > ERRORS_SHOWN:
        print(f"and {len(errors) - ERRORS_SHOWN} more", file=sys.stderr)
    if valid == 0 and not errors:
        print(f"{name}: nothing to validate", file=sys.stderr)
        return 1
    print(f"{valid} valid")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
