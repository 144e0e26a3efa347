"""Whatever the folders hold, a plan gives each photo an output of its own or is refused."""

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from photoenhance.batch.plan import Request, plan
from photoenhance.errors import ConfigError
from photoenhance.imaging.folders import Filter

PARTS = st.sampled_from(("a", "a-1", "a-enhanced", "b", "ä" * 124))
NAMES = st.builds("".join, st.tuples(PARTS, st.sampled_from((".jpg", ".JPG", ".png", ".cr2"))))
FOLDERS = st.sampled_from(("x", "x/a", "y", "x-enhanced", "out", "out/a"))


@settings(max_examples=100, deadline=None)
@given(
    files=st.lists(st.builds("/".join, st.tuples(FOLDERS, NAMES)), min_size=1, max_size=8),
    inputs=st.sets(FOLDERS, min_size=1, max_size=3),
    output=st.sampled_from((None, "out", "x", "x/a", "y")),
    suffix=st.sampled_from((None, ".png")),
    on_exists=st.sampled_from(("update", "skip", "overwrite", "rename", "error")),
    are_named=st.booleans(),
)
def test_no_two_jobs_share_an_output_and_no_output_is_an_input(
    files, inputs, output, suffix, on_exists, are_named
):
    with tempfile.TemporaryDirectory() as name:
        root = Path(os.path.realpath(name))
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).touch()
        paths = files if are_named else [each for each in inputs if (root / each).is_dir()]
        request = Request(
            paths=tuple(root / path for path in sorted(paths)),
            output=root / output if output else None,
            suffix=suffix,
            on_exists=on_exists,
            filter=Filter(recursive=True),
        )

        try:
            jobs = plan(request)
        except ConfigError:
            return

        jobs = [job for job in jobs if not job.is_result]
        taken = [job.output for job in jobs]
        assert len(set(taken)) == len(taken)
        assert not set(taken) & {job.input for job in jobs}
        assert all(len(os.fsencode(path.name)) <= 255 for path in taken)
        new = [job.output for job in jobs if job.is_new and not job.problem]
        assert not any(path.exists() for path in new)
