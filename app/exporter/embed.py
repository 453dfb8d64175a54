#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the C source of the files that jabiru-exporter serves: the same bytes for the same files.

usage: embed.py OUTPUT.c CATALOG.json PAGE...

index.html is served at /, other pages at /NAME, the catalogue at /api/v1/catalog.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8',
         '.js': 'text/javascript; charset=utf-8', '.txt': 'text/plain; charset=utf-8',
         '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon',
         '.json': 'application/json'}


def bytes_of(name, data):
    rows = [', '.join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    return f'static const unsigned char {name}[] = {{{",".join(rows) or "0"}}};\n'


def main():
    output, catalog, *pages = sys.argv[1:]
    files = [('/api/v1/catalog', catalog)]
    for page in pages:
        name = pathlib.Path(page).name
        files.append(('/' if name == 'index.html' else f'/{name}', page))
    text = '#include "asset.h"\n'
    table = ''
    for number, (path, file) in enumerate(files):
        suffix = pathlib.Path(file).suffix
        if suffix not in TYPES:
            sys.exit(f"embed.py: {file}: no content type is known for '{suffix}'; add it to TYPES")
        data = pathlib.Path(file).read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        etag = hashlib.sha256(data).hexdigest()[:16]
        text += bytes_of(f'plain_{number}', data) + bytes_of(f'gzipped_{number}', packed)
        table += (f'\t{{"{path}", "{TYPES[suffix]}", "\\"{etag}\\"", plain_{number}, {len(data)}, '
                  f'gzipped_{number}, {len(packed)}}},\n')
    text += f'const struct asset assets[] = {{\n{table}}};\nconst size_t nb_assets = {len(files)};\n'
    pathlib.Path(output).write_text(text, encoding='utf-8')


main()
