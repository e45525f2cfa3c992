#!/usr/bin/env python3
"""Sees that the page at URL answers, and that its API finds the intruder's address.   usage: page_answers.py URL"""
import json
import sys
import urllib.request
from urllib.parse import parse_qs, urlsplit

url = sys.argv[1]
parts = urlsplit(url)
html = urllib.request.urlopen(url, timeout=10).read()
if b"<html" not in html.lower():
    sys.exit("the page is no page")
request = urllib.request.Request(
    f"{parts.scheme}://{parts.netloc}/api/v1/search",
    json.dumps({"query": "203.0.113.77", "limit": 1}).encode(),
    {"Content-Type": "application/json", "Authorization": "Bearer " + parse_qs(parts.query)["token"][0]},
)
found = json.load(urllib.request.urlopen(request, timeout=10))
if not found["total"]:
    sys.exit("the API does not find the intruder")
print(f"The page answers; its API finds {found['total']} events of 203.0.113.77.")
