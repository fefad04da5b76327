"""The folders that dev.py reads and makes."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
HOST = ROOT / ".host"
COMFYUI = HOST / "ComfyUI"
BASE = HOST / "base"
LOGS = HOST / "logs"
