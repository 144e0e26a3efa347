"""The programs and packages that photoenhance needs or could use, looked at one by one."""

import importlib
import platform
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from importlib.util import find_spec

from photoenhance import __version__
from photoenhance.cli.findings import Finding
from photoenhance.errors import ExitCode

# What is imported, and how the package is called that brings it.
PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "safetensors": "safetensors",
    "jinja2": "jinja2",
    "typer": "typer",
    "rich": "rich",
    "pydantic": "pydantic",
    "pooch": "pooch",
    "requests": "requests",
    "filelock": "filelock",
    "psutil": "psutil",
    "platformdirs": "platformdirs",
}
# Without these, one command does less or not at all: which, and what to install for it.
EXTRAS = {
    "pillow_heif": ("pillow-heif", "HEIC and HEIF photos", "photoenhance[heif]"),
    "rawpy": ("rawpy", "camera raws", "photoenhance[raw]"),
    "skimage": ("scikit-image", "`evaluate`", "photoenhance[evaluate]"),
    "tensorboard": ("tensorboard", "curves of a training", "photoenhance[train]"),
    "onnx": ("onnx", "`models export`", "photoenhance[onnx]"),
}
ONLY_FOR_TRAINING = frozenset(("torchvision",))

# What a package raises on import that was built for another version of its neighbour.
_BROKEN = (ImportError, OSError, RuntimeError, AttributeError)


def programs() -> Iterator[Finding]:
    """Look at photoenhance itself and at every package that it needs or could use."""
    group = "Programs"
    yield Finding(group, "photoenhance", "ok", __version__)
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield Finding(group, "Python", "ok", f"{platform.python_version()} on {system}")
    for module, package in PACKAGES.items():
        yield _package(group, module, package, is_needed=module not in ONLY_FOR_TRAINING)
    for module, (package, use, requirement) in EXTRAS.items():
        if find_spec(module):
            yield Finding(group, package, "ok", f"{_version(module, package)}, for {use}")
        else:
            hint = f"pip install '{requirement}'"
            yield Finding(group, package, "missing", f"needed only for {use}", hint)


def engines() -> Iterator[Finding]:
    """Look at what does the arithmetic."""
    import torch

    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    parts = [f"oneDNN {'on' if has_onednn else 'off'}"]
    if torch.version.cuda:
        cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        parts += [f"CUDA {torch.version.cuda}", f"cuDNN {cudnn}"]
    yield Finding("Engines", "PyTorch", "ok", ", ".join(parts))
    if not find_spec("onnxruntime"):
        value = "needed only to check models that are exported"
        hint = "pip install 'photoenhance[onnx]'"
        yield Finding("Engines", "ONNX Runtime", "missing", value, hint)
        return
    found = _package("Engines", "onnxruntime", "onnxruntime", is_needed=False)
    if found.status == "ok":
        providers = importlib.import_module("onnxruntime").get_available_providers()
        value = f"{found.value}, {', '.join(providers)}; for models that are exported"
        found = replace(found, name="ONNX Runtime", value=value)
    yield found


def _package(group: str, module: str, package: str, *, is_needed: bool) -> Finding:
    code = ExitCode.FAILED if is_needed else ExitCode.OK
    try:
        importlib.import_module(module)
    except _BROKEN as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        value = f"cannot be imported: {reason}" if find_spec(module) else "is not installed"
        if module in ONLY_FOR_TRAINING:
            value += "; needed only for training with VGG"
        hint = f"pip install --force-reinstall {package}"
        if module == "torchvision":
            hint = "Install the torchvision that belongs to this torch: pytorch.org has a table."
        return Finding(group, package, "failed" if is_needed else "warning", value, hint, code)
    return Finding(group, package, "ok", _version(module, package))


def _version(module: str, package: str) -> str:
    for name in (package, module, package.removesuffix("-headless")):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "of an unknown version"
