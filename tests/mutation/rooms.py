# SPDX-License-Identifier: Apache-2.0
"""Which checks there are, room by room, and which tests prove them.

A room's files are searched for checks: what an `if` or a `?:` refuses. Their proof are the unit
tests of the folder that mirrors the room, the file's own first. Rows of some tables are checks as
well: an arrow that is missing, a column that says otherwise. A table is made writable in the copy,
and a row is changed there before main begins: what a test reads from the same table changes with
it, so that a test which only repeats the table proves nothing.
"""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE_REFUSES = re.compile(r"\w*(_fail|refuse|_fail_\w+|corrupt|incompatible)\(|RAISE\(|"
                            r"TRAP_(?!NONE)[A-Z]")
# A predicate says no, a parser refuses, an answer is a problem, a guest is ended.
REFUSES = re.compile(
    r"return (false|-1|NULL);|\w*(_fail|_refuse\w*|_bad|_problem|_trap)\(|\w*REFUSED\b|"
    r"REFUSAL_(?!NONE)|FAULT_[A-Z]|ADMISSION_FULL|ROUTE_(BAD|UNKNOWN)|WASI_E?[A-Z]|"
    r"STATUS_(?!OK|NO_MEMORY)[A-Z]|GUEST_MEM_(?!OK)|ENGINE_TRAPPED")


@dataclasses.dataclass
class Room:
    files: tuple  # patterns
    tests: str  # folder of tests/unit
    refuses: re.Pattern = REFUSES
    suite: bool = False  # the official one proves it too
    but: tuple = ()  # not these files


# Tools are the business of tests from outside.
TOOLS = ("cli",)
# libh2o, and control as a whole: of tests against a server, by signals and processes.
ELSEWHERE = ("server/front/h2o_*", "server/control/supervisor.c")


def rooms_within(top):
    """Each folder of it that tests/unit mirrors."""
    mirrors = sorted(path.name for path in (ROOT / "tests/unit" / top).iterdir() if path.is_dir())
    return tuple(Room((f"{top}/{name}/*.[ch]",), f"{top}/{name}", but=ELSEWHERE)
                 for name in mirrors if name not in TOOLS and (ROOT / top / name).is_dir())


ROOMS = (
    Room(("engine/*.[ch]", "engine/*/*.[ch]"), "engine", ENGINE_REFUSES, suite=True),
    Room(("config/*.[ch]",), "config"),
    Room(("hostapi/*.[ch]", "hostapi/*/*.[ch]"), "hostapi", but=("hostapi/guest/*",)),
    *rooms_within("deploy"),
    *rooms_within("server"),
)


@dataclasses.dataclass
class Table:
    definition: str  # the .def
    macro: str
    source: str  # where the table is; its header has the same name
    name: str
    # Statements that change a row: {0}, {1}, ... are the columns, {row} is its place. With a number
    # before it, as (5, statement): not if column 5 is 0, where it would change nothing.
    changes: tuple


TABLES = (
    # Each arrow that is there is taken away, each that is not is drawn.
    Table("server/request/request_states.def", "REQUEST_STATE", "server/request/request_states.c",
          "request_arrow_causes", tuple(
              f"MUTATION_FLIP(request_arrow_causes[REQUEST_{{0}}][REQUEST_{to}]);"
              for to in ("NEW", "QUEUED", "READY", "WAIT_ARTIFACT", "RUNNABLE", "PARKED",
                         "ANSWERED", "GONE"))),
    Table("server/request/request_states.def", "REQUEST_STATE", "server/request/request_states.c",
          "request_state_rows", (
              "request_state_rows[REQUEST_{0}].permit ^= 1;",
              "request_state_rows[REQUEST_{0}].isolate ^= 1;",
              "request_state_rows[REQUEST_{0}].waits ^= 1;",
          )),
    Table("server/request/fault.def", "FAULT", "server/request/fault.c", "fault_rows", (
        "fault_rows[FAULT_{0}].status = 200;",
        "fault_rows[FAULT_{0}].status = fault_rows[FAULT_{0}].status == 500 ? 503 : 500;",
        "fault_rows[FAULT_{0}].retry ^= 1;",
        "fault_rows[FAULT_{0}].trace ^= 1;",
        "fault_rows[FAULT_{0}].metric = 0;",
    )),
    Table("server/control/roles.def", "ROLE", "server/control/roles.c", "roles", (
        "roles[ROLE_{0}].restart ^= 1;",
        "roles[ROLE_{0}].fd_count++;",
        "roles[ROLE_{0}].spawn.oom_score = 0;",
        'roles[ROLE_{0}].spawn.verb = "help";',
        'roles[ROLE_{0}].spawn.environment[2] = "HOME";',
        'roles[ROLE_{0}].paths = "store/data.mdb:rw";',
    )),
    Table("server/front/refusals.def", "REFUSAL", "server/front/refusals.c", "refusal_rows", (
        "refusal_rows[REFUSAL_{0}].status = 200;",
        "refusal_rows[REFUSAL_{0}].status = refusal_rows[REFUSAL_{0}].status == 400 ? 503 : 400;",
    )),
    Table("server/egress/addresses.def", "ADDRESS_(?:NET|CARRIER)",
          "server/egress/address_policy.c", "address_lines", (
              "if (address_lines[{row}].carried_at != 0) address_lines[{row}].carried_at = 8;"
              " else address_lines[{row}].verdict ^= address_lines[{row}].verdict == ADDRESS_PUBLIC"
              " ? ADDRESS_NEVER : address_lines[{row}].verdict ^ ADDRESS_PUBLIC;",
          )),
    Table("config/limits.def", "LIMIT", "config/settings.c", "settings_rows", (
        (2, '((struct setting *)settings_find("limits", "{0}"))->minimum = 0;'),
        (3, '((struct setting *)settings_find("limits", "{0}"))->maximum = UINT64_MAX;'),
    )),
    Table("config/settings.def", "SETTING", "config/settings.c", "settings_rows", (
        (5, "((struct setting *)settings_find({0}, {1}))->minimum = 0;"),
        (6, "((struct setting *)settings_find({0}, {1}))->maximum = UINT64_MAX;"),
        "((struct setting *)settings_find({0}, {1}))->offset = offsetof(struct config, limits);",
    )),
    Table("hostapi/http_wasm/http_wasm.def", "HOSTCALL", "hostapi/http_wasm/http_wasm.c",
          "http_wasm_rows", (
              'MUTATION_ROW(http_wasm_rows, "{0}")->signature = ":";',
              'MUTATION_ROW(http_wasm_rows, "{0}")->trait ^= HOSTCALLS_WORLD;',
              'MUTATION_ROW(http_wasm_rows, "{0}")->trait ^= HOSTCALLS_FEATURES;',
          )),
    Table("hostapi/skerry/skerry.def", "HOSTCALL", "hostapi/skerry/skerry.c", "skerry_rows", (
        'MUTATION_ROW(skerry_rows, "{0}")->signature = ":";',
        'MUTATION_ROW(skerry_rows, "{0}")->trait ^= HOSTCALLS_WORLD;',
    )),
    Table("hostapi/wasi/wasi.def", r"HOSTCALL(?:_P1|_REFUSED)?", "hostapi/wasi/wasi_family.c",
          "wasi_p1_rows", (
              'MUTATION_ROW(wasi_p1_rows, "{0}")->signature = ":";',
              'MUTATION_ROW(wasi_p1_rows, "{0}")->trait ^= HOSTCALLS_WORLD;',
          )),
    Table("hostapi/wasi/wasi.def", r"HOSTCALL(?:_P0|_REFUSED)?", "hostapi/wasi/wasi_family.c",
          "wasi_p0_rows", (
              'MUTATION_ROW(wasi_p0_rows, "{0}")->signature = ":";',
              'MUTATION_ROW(wasi_p0_rows, "{0}")->trait ^= HOSTCALLS_WORLD;',
          )),
)
