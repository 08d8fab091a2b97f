#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does docs/architecture.md show the states of a request as they are?

    states.py [--update]

The page has one ```states block. It is printed from server/request/request_states.def; with
--update it is rewritten.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
TABLE = ROOT / "server" / "request" / "request_states.def"
STATE = re.compile(r'^REQUEST_STATE\((\w+), "([^"]*)", (\w+), (\d), (\w+)\)$', re.M)
ARROW = re.compile(r'^REQUEST_ARROW\((\w+), (\w+), "([^"]*)"\)$', re.M)
BLOCK = re.compile(r"^```states\n(.*?)^```$", re.M | re.S)
WAITS = {"NOTHING": "", "TIMER": "a timer", "QUEUE": "the queue or a timer",
         "EVENT": "an event or a timer", "TURN": "its turn"}
PERMITS = {"NONE": "", "RUN": "permit", "PLACE": "place"}


def picture(text):
    """Each state with what it holds and waits for, then its ways out."""
    states = STATE.findall(text)
    arrows = ARROW.findall(text)
    rows = text.count("\nREQUEST_STATE("), text.count("\nREQUEST_ARROW(")
    if (len(states), len(arrows)) != rows:
        sys.exit(f"{TABLE}: {rows} rows, of which {len(states), len(arrows)} could be read")
    lines = []
    for name, says, permit, isolate, waits in states:
        has = [thing for thing in (PERMITS[permit], "isolate" * (isolate == "1")) if thing]
        notes = ["has " + " and ".join(has)] * bool(has) + ["waits for " + WAITS[waits]] * (
            waits != "NOTHING")
        lines.append(f"{name}  {says}" + (f"; {', '.join(notes)}" if notes else ""))
        ways = [(to, why) for source, to, why in arrows if source == name]
        width = max((len(why) for _, why in ways), default=0)
        lines += [f"  |-- {why} {'-' * (width - len(why))}--> {to}" for to, why in ways]
    return "\n".join(lines) + "\n"


def main():
    page = PAGE.read_text(encoding="utf-8")
    found = list(BLOCK.finditer(page))
    if len(found) != 1:
        sys.exit(f"{PAGE}: {len(found)} blocks of states, wanted one")
    wanted = picture(TABLE.read_text(encoding="utf-8"))
    if found[0].group(1) == wanted:
        return
    if "--update" not in sys.argv[1:]:
        sys.exit(f"{PAGE}: the states are not those of {TABLE}; see --update")
    PAGE.write_text(page[:found[0].start(1)] + wanted + page[found[0].end(1):], encoding="utf-8")


main()
