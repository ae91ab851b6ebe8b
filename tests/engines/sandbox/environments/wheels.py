"""Wheels made on the spot, so that no test needs an index."""

import base64
import hashlib
import zipfile
from pathlib import Path


def make_wheel(
    folder: Path, name: str, version: str, code: str, requires: tuple[str, ...] = ()
) -> None:
    """Write a wheel with one module of the package's own name."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {one}" for one in requires]
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def make_source_package(folder: Path, name: str, version: str, mark: Path) -> None:
    """Write an sdist whose setup.py leaves a mark when it is run."""
    setup = (
        f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name={name!r})\n"
    )
    with zipfile.ZipFile(folder / f"{name}-{version}.zip", "w") as package:
        package.writestr(f"{name}-{version}/setup.py", setup)
        package.writestr(f"{name}-{version}/PKG-INFO", f"Name: {name}\nVersion: {version}\n")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
