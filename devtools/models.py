"""The model that `demo` renders with: stand-ins, a folder, or one from Hugging Face."""

import re
from pathlib import Path

from . import places
from .failure import Failed
from .host import link_folder
from .steps import Progress, Step, run_logged

DOWNLOAD = """
import sys
from huggingface_hub import snapshot_download
# The parts of a diffusers model; not the single-file copies that lie beside them.
patterns = ["*.json", "*.txt", "*.model", "*.jinja", "*/*.safetensors"]
try:
    print(snapshot_download(sys.argv[1], allow_patterns=patterns))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def model_choice(model: str | None, python: Path) -> tuple[list[str], Step]:
    """What `studioflow render --model` gets once the step has run, and that step, which makes it available."""
    folders = places.BASE / "models" / "diffusers"
    if model is None:
        words: list[str] = []

        def make(progress: Progress) -> None:
            run_logged(progress, [python, "-m", "studioflow", "standin", folders])
            # By name, because `auto` would take a model that an earlier --model has left linked there.
            words.extend(["--model", max(path.name for path in folders.glob("studioflow-standin-fibo-[12]"))])

        return words, Step("Make stand-in models", make)
    folder = Path(model).expanduser().resolve()
    if folder.is_dir():
        if not (folder / "model_index.json").is_file():
            advice = "give the folder that holds model_index.json, transformer/, vae/ and the rest to --model."
            raise Failed(f"{folder} is not a diffusers model: there is no model_index.json in it", advice=advice)
        link = folders / folder.name
        return ["--model", folder.name], Step(f"Link {folder}", lambda progress: link_folder(link, folder))
    if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", model):
        command = [python, "-c", DOWNLOAD, model]
        title = f"Download {model} from Hugging Face"
        return ["--model", model], Step(title, lambda progress: run_logged(progress, command))
    raise Failed(f"--model {model}: no such folder, and no Hugging Face id (owner/name) either")
