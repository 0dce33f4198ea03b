#!/usr/bin/env python3
"""What feedparser finds in each document below a folder, one JSON line a document: a second opinion for FeedCorpusTest.

    pip download --no-deps --no-binary :all: feedparser && tar xzf feedparser-*.tar.gz
    pip install feedparser
    python3 feed_facts.py feedparser-*/tests > facts.jsonl
"""
import calendar
import json
import pathlib
import re
import sys

import feedparser

HEADER = re.compile(rb"^\s*Header:\s*([^:\s]+)\s*:\s*(.+?)\s*$", re.MULTILINE)


def seconds(date):
    try:
        return None if date is None else calendar.timegm(date)
    except (ValueError, OverflowError):
        return None


def facts(path):
    body = path.read_bytes()
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in HEADER.findall(body)}
    headers.setdefault("content-location", "https://example.org/feed")
    feed = feedparser.parse(body, response_headers=headers, sanitize_html=False, resolve_relative_uris=True)
    entries = []
    for entry in feed.entries:
        images = [link.get("href") for link in entry.get("links", [])
                  if link.get("rel") == "enclosure" and str(link.get("type", "")).startswith("image/")]
        images += [media.get("url") for media in entry.get("media_content", [])
                   if media.get("medium") == "image" or str(media.get("type", "")).startswith("image/")]
        entries.append({
            "link": entry.get("link"),
            "images": sorted({image for image in images if image}),
            "published": seconds(entry.get("published_parsed")),
            "updated": seconds(entry.get("updated_parsed") if "updated" in entry else None),
        })
    return {"version": feed.version, "headers": headers, "entries": entries}


def main():
    root = pathlib.Path(sys.argv[1])
    for path in sorted(root.rglob("*.xml")):
        line = {"file": str(path.relative_to(root))}
        try:
            line.update(facts(path))
        except Exception as failure:  # feedparser's own trouble is no fact
            line["failure"] = repr(failure)
        print(json.dumps(line))


main()
