"""Executes a notebook against a running search API and fails if a cell does.

usage: run.py NOTEBOOK OUTPUT      environment: LENSTREAM_API, for example http://127.0.0.1:8080
"""

import sys

import nbformat
from nbclient import NotebookClient

source, output = sys.argv[1:3]
notebook = nbformat.read(source, as_version=4)
try:
    NotebookClient(notebook, timeout=180, kernel_name="python3").execute()
finally:
    nbformat.write(notebook, output)  # with the plots so far: they show where it failed
figures = sum("image/png" in o.get("data", {}) for c in notebook.cells for o in c.get("outputs", []))
print(f"{source}: every cell ran, {figures} figures, executed copy in {output}")
