"""The architecture as the documents state it: imports, environment lists, documents."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    code = f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); {script}"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True
    )


def test_import_contracts__hold():
    done = _lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("clean/__init__.py", "from survey_tools import construct"),
        ("kobo/http/session.py", "from survey_tools import params"),
        ("estimate/icc.py", "import matplotlib.pyplot"),
        ("construct/__init__.py", "import httpx"),
        ("params/study.py", "import papermill"),
        ("errors.py", "from survey_tools import params"),
    ],
)
def test_import_contracts__fail_when_broken(tmp_path, module, line):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "src" / "survey_tools" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    done = _lint_imports(tmp_path)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout


def test_environment_yml__lists_the_packages_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = next(item["pip"] for item in conda if isinstance(item, dict))
    names = [item for item in (*conda, *by_pip) if isinstance(item, str) and item[0] != "-"]
    listed = {re.sub(r"\s", "", item) for item in names} - {"pip"}
    assert listed == {*project["dependencies"], f"python{project['requires-python']}"}


def test_lock__has_every_dependency_within_its_range_and_no_address():
    from packaging.requirements import Requirement

    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock, flags=re.M):
        pinned.setdefault(name.lower().replace("_", "-"), set()).add(version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        wanted = Requirement(text)
        versions = pinned[wanted.name.lower().replace("_", "-")]
        assert all(wanted.specifier.contains(version) for version in versions), text
    assert "://" not in lock


def test_import__is_light():
    heavy = [
        "pandas",
        "numpy",
        "statsmodels",
        "matplotlib",
        "seaborn",
        "papermill",
        "httpx",
        "tornado",
        "pyarrow",
    ]
    code = (
        "import sys, survey_tools, survey_tools.errors, survey_tools.cli;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
