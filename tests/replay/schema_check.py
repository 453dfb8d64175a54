#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Report, flows and events of every capture against the shipped schemas.

usage: schema_check.py JABIRU SCHEMAS [CAPTURES]

Without CAPTURES the real ones are taken: $JABIRU_CAPTURES, else ../shared/captures. Exit 77 = there are
none, or python3-jsonschema is not installed. Of many lines of one capture, as many as LINES_MAX are
looked at, evenly spread.
"""
import json
import pathlib
import sys

import program
import validate_schema

ERRORS_SHOWN = 3
LINES_MAX = 200


def some(data):
    lines = data.splitlines(keepends=True)
    return b''.join(lines[::len(lines) // LINES_MAX + 1])


def validator(path):
    try:
        import jsonschema
    except ImportError:
        program.skip('python3-jsonschema is not installed')
    schema = validate_schema.parse(path.read_text(encoding='utf-8'))
    return jsonschema.validators.validator_for(schema)(schema)


def main():
    jabiru, schemas = sys.argv[1], pathlib.Path(sys.argv[2])
    captures = program.captures(sys.argv[3]) if len(sys.argv) > 3 else program.real_captures()
    report, event = validator(schemas / 'report.json'), validator(schemas / 'event.json')
    problems = []
    valid = {'report': 0, 'flows': 0, 'events': 0}
    for capture in captures:
        done = program.Replay(jabiru, [capture])
        if done.report is None:
            continue
        done.report['performance'], done.report['interval'] = done.timing
        for name, data, which in (('report', json.dumps(done.report).encode() + b'\n', report),
                                  ('flows', some(done.flows), event),
                                  ('events', some(done.events), event)):
            if data:
                good, errors = validate_schema.check(which, data, f'{capture.name}, {name}')
                problems += errors[:ERRORS_SHOWN]
                valid[name] += good
    problems += [f'no {name} to validate' for name, count in valid.items() if count == 0]
    program.finish(problems, ', '.join(f'{count} {name}' for name, count in valid.items()))


if __name__ == '__main__':
    main()
