"""Clients from npm, installed once into target/lab/."""

import shutil
import subprocess
from pathlib import Path

from program import ROOT


def installed(source, name):
    """(folder with the scripts of `source` and what its package.json names, None), or (None, why not)."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            return None, f"{tool} is not installed"
    folder = ROOT / "target" / "lab" / name
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (Path(source) / "package.json").read_text()
    done = folder / "installed.json"
    if not done.exists() or done.read_text() != wanted:
        shutil.copy(Path(source) / "package.json", folder)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        said = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if said.returncode != 0:
            return None, f"npm could not install it: {said.stderr.strip().splitlines()[-1:]}"
        done.write_text(wanted)
    for script in Path(source).glob("*.js"):
        shutil.copy(script, folder)
    return folder, None
