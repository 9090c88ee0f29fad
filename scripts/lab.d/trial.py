"""One run of a lab: a folder and a report, programs that are stopped whatever happens, and an exit status that says whether all held."""

import shutil
import sys
import tempfile
from pathlib import Path

from clients import Report
from program import Gone, NotReady, stop_all, write_statuses


def trial(name, keep, *works):
    """Makes each of `works(report, folder, programs)` in a folder of its own, which stays if something failed or `keep` says so; exits."""
    report = Report()
    for work in works:
        folder, programs = Path(tempfile.mkdtemp(prefix=f"lab-{name}-")), []
        failed = len(report.failed)
        try:
            work(report, folder, programs)
        except (NotReady, Gone, OSError) as failure:
            report.check("every program gets READY and stays", False, repr(failure))
        finally:
            if len(report.failed) > failed:
                write_statuses(programs, folder)
            stop_all(programs)
        if len(report.failed) > failed or keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"{len(report.failed)} failed{': ' + '; '.join(report.failed) if report.failed else ''}")
    sys.exit(1 if report.failed else 0)
