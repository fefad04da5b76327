#!/usr/bin/env python3
"""Set up, try, test and measure StudioFlow. Standard library only.

    python dev.py demo     render a sample shot in a real ComfyUI
    python dev.py test     every check there is
    python dev.py bench    what is measured
    python dev.py host     a ComfyUI with the pack loaded, for people who develop it

Everything that it makes lies in .venv, .host and output, and is used again while its inputs stay the same.
With --comfyui DIR (or COMFYUI_DIR) it uses a person's own ComfyUI and that one's Python, and installs nothing.
Tests start a ComfyUI with `import dev` and `dev.running_host(...)`.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - the reason why no newer syntax than 3.6's stands in this file
    sys.exit(
        "dev.py needs Python 3.10 or newer, and this is Python {}.{}.\n"
        "What to try: run it with a newer one, for example `python3.12 dev.py demo` (python.org has it).".format(
            *sys.version_info
        )
    )

import argparse
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from devtools.checks import STAGES, find_browser, lint, pytest_stage, summary, without_browser
from devtools.failure import Failed
from devtools.host import Host, follow, get, link_folder, running_host, stopped
from devtools.models import model_choice
from devtools.places import ROOT
from devtools.processes import child_env, run_plain
from devtools.setup import FRONTEND, frontend_step, setup
from devtools.steps import Step, run_steps

__all__ = ["ROOT", "Failed", "Host", "get", "link_folder", "main", "running_host"]  # what tests take from here


def start_step(stack: contextlib.ExitStack, hosts: list, python: Path, comfyui: Path, **options: object) -> Step:
    """The step that starts ComfyUI and adds it to `hosts`; leaving `stack` stops it."""

    def start(progress):
        progress.note = "waiting for its first answer"
        hosts.append(stack.enter_context(running_host(python, comfyui, **options)))

    return Step("Start ComfyUI", start)


def host_command(args: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Start ComfyUI and print its log until Ctrl-C."""
    python, comfyui, steps = setup(args.comfyui)
    hosts = []
    with contextlib.ExitStack() as stack:
        run_steps([*steps, start_step(stack, hosts, python, comfyui, port=args.port)])
        print(f"\nComfyUI with StudioFlow: {hosts[0].url}\nCtrl-C stops it.\n")
        with contextlib.suppress(KeyboardInterrupt):
            follow(hosts[0])
    return 0


def demo_command(args: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Render one manifest; the exit code is that of `studioflow render`."""
    manifest, out = Path(args.manifest).resolve(), Path(args.out).resolve()
    if not manifest.is_file():
        raise Failed(f"there is no manifest {manifest}", advice="give a file to --manifest; samples/ has some.")
    python, comfyui, steps = setup(args.comfyui)
    model, model_step = model_choice(args.model, python)
    hosts = []
    with contextlib.ExitStack() as stack:
        start = start_step(stack, hosts, python, comfyui, env={"HF_HUB_OFFLINE": "1"})
        steps += [model_step, start]
        run_steps(steps, total=len(steps) + 1)
        print(f"[{len(steps) + 1}/{len(steps) + 1}] Render {manifest.name} with the recipe {args.recipe}")
        command = [python, "-m", "studioflow", "render", manifest, "--recipe", args.recipe]
        command += ["--server", hosts[0].url, "--out", out, *model]
        code = run_plain(command, child_env(comfyui, HF_HUB_OFFLINE="1")) or greybox(python, manifest, out)
        if code == 0 and args.keep:
            print(f"\nComfyUI keeps running: {hosts[0].url}\nCtrl-C stops it.")
            with contextlib.suppress(KeyboardInterrupt):
                hosts[0].process.wait()
                raise stopped(hosts[0])
    return code


def greybox(python: Path, manifest: Path, out: Path) -> int:
    """Show the shot with stand-in shapes, which needs no weights; the exit code of `studioflow greybox`."""
    known = [
        python,
        "-c",
        "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ['mitsuba', 'trimesh'])))",
    ]
    if run_plain(known, child_env()):
        print(f"No greybox of the shot: it needs {python} -m pip install mitsuba trimesh")
        return 0
    print(f"\nGreybox of {manifest.name}: its camera and light on stand-in shapes")
    return run_plain([python, "-m", "studioflow", "greybox", manifest, "--out", out], child_env())


def bench_command(args: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run every script of benchmarks/, also when one fails."""
    scripts = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if not path.name.startswith("_")]
    if not scripts:
        raise Failed("there is no script in benchmarks/")
    python, comfyui, steps = setup(args.comfyui, dev_tools=True)
    run_steps(steps)
    failed = []
    for script in scripts:
        print(f"\n== {script.name}")
        if run_plain([python, script, *rest], child_env(comfyui, STUDIOFLOW_COMFYUI=comfyui, HF_HUB_OFFLINE="1")):
            failed.append(script.name)
    if failed:
        raise Failed("failed: " + ", ".join(failed))
    return 0


def test_command(args: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run the stages that were asked for, also when one fails; 0 when all is green."""
    stages = [stage for stage in STAGES if stage in args.only]
    python, comfyui, steps = setup(args.comfyui, dev_tools=True)
    browser = {}
    if "browser" in stages:
        steps.append(frontend_step(python))
        steps.append(Step("Find a browser", lambda progress: find_browser(progress, python, browser)))
    run_steps(steps)
    env = child_env(
        comfyui,
        STUDIOFLOW_COMFYUI=comfyui,
        STUDIOFLOW_FRONTEND=FRONTEND / "static",
        STUDIOFLOW_BROWSER=browser.get("path"),
        HF_HUB_OFFLINE="1",
    )

    results = []
    for stage in stages:
        if stage == "browser" and "path" not in browser:
            results.append(without_browser(browser.get("why", "none was found")))
            continue
        print(f"\n== {stage}")
        results.append(lint(python, env) if stage == "lint" else pytest_stage(stage, python, rest, env))
        if results[-1].failed and stage != stages[-1]:
            print(f"\n== {stage} failed; the other stages still run")
    lines, code = summary(results)
    print("\n" + "\n".join(lines))
    return code


def stage_names(text: str) -> Sequence[str]:
    """The stages in a list like `unit,nodes`."""
    names = text.split(",")
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no stage {', '.join(unknown)!r}; there are {', '.join(STAGES)}")
    return names


def parse(argv: "Sequence[str] | None"):
    """The arguments, and what of them goes on to pytest or to the benchmarks; wrong usage exits with 2."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | test | bench | host")

    def command(name, run, text):
        one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.add_argument("--comfyui", metavar="DIR", help="use this ComfyUI and its Python; installs nothing")
        one.set_defaults(run=run)
        return one

    demo = command("demo", demo_command, "render a sample shot in a real ComfyUI")
    demo.add_argument("--model", metavar="FOLDER_OR_HF_ID", help="real weights in place of the stand-in models")
    demo.add_argument("--manifest", metavar="FILE", default=ROOT / "samples" / "product_hero.json")
    demo.add_argument("--recipe", metavar="NAME", default="product_hero")
    demo.add_argument("--out", metavar="DIR", default=ROOT / "output")
    demo.add_argument("--keep", action="store_true", help="leave ComfyUI running afterwards, until Ctrl-C")
    test = command("test", test_command, "run every check; what it does not know goes to pytest")
    test.add_argument("--only", metavar=",".join(STAGES), type=stage_names, default=STAGES)
    command("bench", bench_command, "run what is measured; what it does not know goes to the scripts")
    host = command("host", host_command, "start ComfyUI with the pack loaded, and show its log")
    host.add_argument("--port", type=int, help="a port on 127.0.0.1; any free one when left away")
    args, rest = parser.parse_known_args(argv)
    if rest and args.command not in ("test", "bench"):
        parser.error("unknown arguments: " + " ".join(rest))
    return args, [word for word in rest if word != "--"]


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run one command and give its exit code; a failure is told without a traceback."""
    args, rest = parse(argv)
    sys.stdout.reconfigure(errors="replace", line_buffering=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # both clean up; a shell's `&` would have SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        return args.run(args, rest)
    except Failed as failure:
        print(f"\n{failure.message}")
        for line in failure.tail:
            print(f"  | {line}")
        if failure.advice:
            print(f"What to try: {failure.advice}")
        if failure.log and failure.log.is_file() and failure.log.stat().st_size:
            print(f"Everything it said: {failure.log}")
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
