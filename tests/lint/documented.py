#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every prototype of a public header has a comment right above it.

usage: documented.py ROOT
"""
import re
import sys

import tree

# a comment; a preprocessor line with its continuations; a string; a mark that ends a declaration
TOKEN = re.compile(r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<cpp>^[ \t]*\#(?:\\\n|[^\n])*)'
                   r'|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<mark>[;{}])|(?P<other>\s+|\w+|.)',
                   re.S | re.M | re.X)
NO_PROTOTYPE = re.compile(r'typedef\b|(_Static_assert|static_assert)\b|extern\s+"C"')


class Declarations:
    """Walks a header and yields (line, text, comment stands right above) per declaration."""

    def __init__(self, source):
        self.source = source
        self.reset()
        self.comment_end = -1  # line on which the last comment ended

    def reset(self):
        self.words = ''
        self.line = 0
        self.is_body = False

    def add(self, kind, text, line):
        if not self.words:
            self.line = line
            self.has_comment = self.comment_end == line - 1
        self.words += text

    def walk(self):
        depth = 0
        line = 1
        for found in TOKEN.finditer(self.source):
            kind, text = found.lastgroup, found.group(0)
            if kind == 'comment':
                self.comment_end = line + text.count('\n')
            elif depth == 0 and kind == 'mark' and text == ';':
                if self.words and not self.is_body:
                    yield self.line, self.words, self.has_comment
                self.reset()
            elif kind == 'mark' and text == '{':
                depth += 1
                # the body of a function ends its declaration, that of a struct does not
                self.is_body = self.is_body or ')' in self.words
            elif kind == 'mark' and text == '}':
                depth -= 1
                if depth == 0 and self.is_body:
                    self.reset()
            elif depth == 0 and kind in ('other', 'string') and (self.words or text.strip()):
                self.add(kind, text, line)
            line += text.count('\n')


def is_prototype(words):
    """A parameter list that follows a name; not (*name)(...), not a struct's attribute."""
    plain = re.sub(r'__attribute__\s*\(\(.*?\)\)', '', words, flags=re.S)
    return not NO_PROTOTYPE.match(plain) and re.search(r'\w\s*\(', plain) is not None


def main():
    root = sys.argv[1]
    headers = tree.files(root, r'^(lib/[^/]+/jbr_[^/]+|app/[^/]+/[^/]+)\.h$')
    problems = []
    count = 0
    for path in headers:
        for line, words, has_comment in Declarations(tree.text(root, path)).walk():
            if not is_prototype(words):
                continue
            count += 1
            if not has_comment:
                name = re.search(r'(\w+)\s*\(', words).group(1)
                problems.append(f'{path}:{line}: {name}() has no comment right above it')
    if count == 0:
        problems.append('no prototype was found: wrong directory?')
    tree.finish(problems, f'{len(headers)} headers, {count} prototypes')


main()
