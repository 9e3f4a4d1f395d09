"""Write household rows of the synthetic district, as many as a benchmark wants.

Not here: serving or measuring them. The district has some 7,600 household forms; more rows are these
again, in an order drawn once, each with an `_id` and uuids of its own.

    kobo_rows.py FOLDER NUMBER    writes FOLDER/form.json and FOLDER/rows.jsonl
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from survey_tools.params import open_workspace
from survey_tools.run.district import make_sandbox

ROOT = Path(__file__).parents[1]
FORM = "aPxHouseholdSurvey2026"
FIRST_ID = 1001
SEED = 20240614
_ID = re.compile(rb'"_id":\s?\d+')
_UUID = re.compile(rb'"(?:_uuid|meta/rootUuid|meta/deprecatedID)":\s?"(?:uuid:)?([^"]+)"')


def main(folder: Path, number: int) -> None:
    """Make the district in a workspace of its own, then multiply its household rows."""
    workspace = Path(tempfile.mkdtemp(prefix="kobo-bench-"))
    try:
        shutil.copytree(ROOT / "params", workspace / "params")
        sandbox = make_sandbox(open_workspace(workspace / "params" / "study.yml"))
        listed = json.loads((sandbox / "sandbox.json").read_bytes())["assets"]
        (form,) = [asset for asset in listed if asset["uid"] == FORM]
        for version in form["versions"]:
            path = sandbox / FORM / f"{version['uid']}.json"
            version["content"] = json.loads(path.read_bytes())
        (folder / "form.json").write_text(json.dumps(form), encoding="utf-8")
        source = (sandbox / FORM / "submissions.jsonl").read_bytes().splitlines()
    finally:
        shutil.rmtree(workspace)
    with (folder / "rows.jsonl").open("wb") as file:
        file.writelines(line + b"\n" for line in multiplied(source, number))


def multiplied(source: list[bytes], number: int) -> Iterator[bytes]:
    """Yield rows with new ids and uuids; the first rows are the same for every number."""
    order = np.random.default_rng(SEED).permutation(len(source))
    uuids = [set(_UUID.findall(line)) for line in source]
    for i in range(number):
        place = order[i % len(source)]
        line = _ID.sub(b'"_id":%d' % (FIRST_ID + i), source[place], count=1)
        for uuid in uuids[place]:
            line = line.replace(uuid, b"%08x" % i + uuid[8:])
        yield line


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), int(sys.argv[2]))
