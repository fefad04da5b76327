"""Nodes that look at manifests before anyone spends GPU time on them."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io

from ..studioflow.families import DIALECTS
from ..studioflow.review import STOP_ON
from . import host


class DiffManifests(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowDiffManifests",
            display_name="Diff Manifests",
            category="StudioFlow/Review",
            description="Shows what differs between two shots, as a person reads it, and which caption fields change "
            "because of it.",
            search_aliases=["compare", "difference", "what changed", "json patch", "review"],
            inputs=[
                host.Manifest.Input("before", tooltip="The older shot."),
                host.Manifest.Input("after", tooltip="The newer shot."),
                io.Combo.Input(
                    "dialect",
                    options=list(DIALECTS),
                    default=DIALECTS[0],
                    tooltip="The generation of FIBO whose captions are compared.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="text", tooltip="The differences, one a line, by section."),
                io.String.Output(display_name="patch", tooltip="JSON Patch (RFC 6902) from before to after."),
                io.String.Output(display_name="html", tooltip="The two side by side, as a page of HTML."),
                io.Boolean.Output(
                    display_name="same_shot", tooltip="Whether the two are the same shot: equal in all but meta."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, before: dict[str, Any], after: dict[str, Any], dialect: str) -> io.NodeOutput:
        from ..studioflow.review.compare import compare

        found = compare(before, after, dialect)
        text, patch = found.text(), json.dumps(found.patch, ensure_ascii=False)
        return io.NodeOutput(text, patch, found.html(), found.same_shot, ui=host.notice(text))


class CheckManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowCheckManifest",
            display_name="Check Manifest",
            category="StudioFlow/Review",
            description="Looks for contradictions and weak spots in the shot, and says how much of what FIBO reads is "
            "filled in and what to add next. Can mend what has one certain remedy.",
            search_aliases=["lint", "validate", "completeness", "score", "fix", "quality"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot."),
                io.Boolean.Input(
                    "fix", default=False, tooltip="Mend what can be mended; the report says what was done."
                ),
                io.Combo.Input(
                    "stop_on",
                    options=list(STOP_ON),
                    default=STOP_ON[0],
                    tooltip="nothing: only report. errors, or errors and warnings: stop the graph here where there are "
                    "any left.",
                ),
                host.Fibo.Input("fibo", optional=True, tooltip="The model that will render; some rules depend on it."),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot, mended where fix is on."),
                io.String.Output(display_name="report", tooltip="What was found, and what to add next."),
                io.Int.Output(display_name="completeness", tooltip="0 to 100: how much of what FIBO reads is filled."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], fix: bool, stop_on: str, fibo: Any = None) -> io.NodeOutput:
        from ..studioflow.review.report import review

        result = review(manifest, family=fibo.family if fibo else None, mend=fix, stop_on=stop_on)
        return io.NodeOutput(result.manifest, result.text(), result.score, ui=host.notice(result.text()))
