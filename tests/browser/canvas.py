"""ComfyUI's page, used the way a person uses it. What differs between its frontends is told apart here."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

import dev

# What a browser knows; of .exr most know nothing.
TYPES = {
    ".tif": "image/tiff", ".jpg": "image/jpeg", ".avif": "image/avif", ".webp": "image/webp", ".png": "image/png",
    ".json": "application/json",
}  # fmt: skip


@dataclass(frozen=True)
class Renderer:
    """How nodes are drawn. ``frontend`` is the environment variable that names its files; None is ComfyUI's own."""

    frontend: str | None
    vue_nodes: bool


class Canvas:
    """One open page of ComfyUI."""

    def __init__(self, page: Page, renderer: Renderer, settings: Path) -> None:
        """``settings`` is the file in which the host keeps what this person has set."""
        self.page = page
        self.renderer = renderer
        self._settings = settings

    # ------------------------------------------------------------ opening

    def open(self, kind: str = "") -> None:
        """Loads ComfyUI as for a person who has used it before, and takes an empty canvas.

        That takes many seconds: a page of the same ``kind`` that is there already is taken as `clear` left it.
        """
        if self.page.evaluate("() => window.studioflowPage") == kind:
            return
        self._load({"Comfy.TutorialCompleted": True})
        self.wait_until("() => window.app?.extensionManager?.workflow.activeWorkflow && app.graph.nodes.length > 0")
        self.clear()
        self.page.evaluate("kind => { window.studioflowPage = kind }", kind)

    def clear(self) -> None:
        """Takes an empty canvas: closes what lies over the old one, and every workflow, once nothing runs."""
        self.page.wait_for_function(
            """async () => {
                const queue = await (await fetch('/queue')).json()
                return queue.queue_running.length + queue.queue_pending.length === 0
            }""",
            polling=100,
        )
        while self.dialog.count():
            open_dialogs = self.dialog.count()
            self.page.keyboard.press("Escape")
            expect(self.dialog).not_to_have_count(open_dialogs)
        panel = self.page.get_by_test_id("properties-panel").filter(visible=True)
        if panel.count():
            panel.get_by_role("button", name="Toggle properties panel").click()
        self.page.evaluate(
            """async () => {
                const {command, sidebarTab, workflow} = app.extensionManager
                sidebarTab.activeSidebarTabId = null
                for (const button of document.querySelectorAll('.p-toast-close-button')) button.click()
                await command.execute('Comfy.NewBlankWorkflow')
                for (const other of workflow.openWorkflows.filter(one => one !== workflow.activeWorkflow))
                    await workflow.closeWorkflow(other)
            }"""
        )
        self.wait_until("() => app.graph.nodes.length === 0 && Object.keys(app.nodeOutputs).length === 0")
        self._take_away_a_stale_mask()
        over = self.page.locator(".p-toast-message, .side-bar-panel, .dom-widget, [data-testid=error-overlay]")
        expect(over.or_(panel).or_(self.dialog).filter(visible=True)).to_have_count(0)

    def open_first_time(self) -> None:
        """Loads ComfyUI as on a first visit: an empty canvas under the Templates dialog."""
        self._load({})
        self._cards.first.wait_for()

    def _load(self, settings: dict[str, Any]) -> None:
        """Loads the page for a person with these settings."""
        self._settings.parent.mkdir(parents=True, exist_ok=True)
        self._settings.write_text(json.dumps({"Comfy.VueNodes.Enabled": self.renderer.vue_nodes, **settings}))
        self.page.goto("/")

    def browse_templates(self, pack: str) -> None:
        """Opens ComfyUI's Templates browser with the recipes of a pack."""
        self.page.get_by_role("button", name="Templates", exact=True).click()
        self.dialog.get_by_role("button", name=pack, exact=True).click()

    def templates(self, until: int) -> list[str]:
        """The names of the cards in the open Templates dialog, once there are so many."""
        while self._cards.count() < until:
            self._make_more_cards()
        prefix = len("template-workflow-")
        return [name[prefix:] for name in self._cards.evaluate_all("cards => cards.map(card => card.dataset.testid)")]

    def choose_template(self, name: str) -> None:
        """Chooses a recipe in the open Templates dialog."""
        while not self.template(name).count():
            self._make_more_cards()
        self.template(name).click()
        expect(self.template(name)).to_have_count(0)
        self._wait_for_workflow(name)

    @property
    def _cards(self) -> Locator:
        return self.page.locator('[data-testid^="template-workflow-"]')

    def _make_more_cards(self) -> None:
        """Scrolls down in the Templates dialog, which begins with 24 cards or fewer."""
        expect(self._cards.first).to_be_visible()
        made = self._cards.count()
        self._cards.last.scroll_into_view_if_needed()
        expect(self._cards.nth(made)).to_be_attached()

    def open_recipe(self, name: str) -> None:
        """Opens a recipe by its file, which takes a tenth of the Templates browser's time."""
        self.drop(dev.ROOT / "recipes" / f"{name}.json")
        self._wait_for_workflow(name)

    def _wait_for_workflow(self, name: str) -> None:
        self.wait_until("name => app.extensionManager.workflow.activeWorkflow?.filename === name", name)
        self.wait_until("() => app.graph.nodes.length > 0")
        self._take_away_a_stale_mask()

    def _take_away_a_stale_mask(self) -> None:
        """PrimeVue sometimes leaves its mask over the page after a load that was shorter than the mask's fading in.

        A person would load the page again.
        """
        self.page.evaluate(
            """async () => {
                for (let turn = 0; turn < 20 && document.querySelector('.p-blockui-mask'); turn++)
                    await new Promise(done => setTimeout(done, 100))
                document.querySelectorAll('.p-blockui-mask').forEach(mask => mask.remove())
            }"""
        )

    def drop(self, file: Path) -> None:
        """Drops a file onto the canvas as a person does, with the type that a browser gives it."""
        self.page.evaluate(
            """([name, type, data]) => {
                const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0))
                const dataTransfer = new DataTransfer()
                dataTransfer.items.add(new File([bytes], name, {type}))
                const middle = {clientX: innerWidth / 2, clientY: innerHeight / 2}
                const canvas = document.getElementById('graph-canvas')
                for (const kind of ['dragenter', 'dragover', 'drop'])
                    canvas.dispatchEvent(
                        new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true, ...middle}))
            }""",
            [file.name, TYPES.get(file.suffix, ""), base64.b64encode(file.read_bytes()).decode()],
        )

    def fit_view(self) -> None:
        """Brings the whole graph into view, and waits until the view has come to rest."""
        self.page.get_by_role("button", name="Fit View").click()
        self.settle()

    def settle(self) -> None:
        """Waits until neither the view nor a node has moved or grown for ten frames, but not for ever."""
        self.page.evaluate(
            """async () => {
                const shape = () => [app.canvas.ds.scale, ...app.canvas.ds.offset,
                    ...app.graph.nodes.flatMap(node => [...node.pos, ...node.size])].join()
                for (let frame = 0, still = 0, before = shape(); still < 10 && frame < 600; before = shape(), frame++) {
                    app.canvas.setDirty(true, true)
                    await new Promise(requestAnimationFrame)
                    still = shape() === before ? still + 1 : 0
                }
            }"""
        )

    # ------------------------------------------------------------ what is there

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog").filter(visible=True)

    def template(self, name: str) -> Locator:
        """The card of a template in the Templates dialog."""
        return self.page.get_by_test_id(f"template-workflow-{name}")

    @property
    def drawn_as_elements(self) -> Locator:
        """The nodes that are elements of the page: all of them in Nodes 2.0, none on the classic canvas."""
        return self.page.locator("[data-node-id]")

    def definitions(self, prefix: str) -> dict[str, dict[str, Any]]:
        """The registered node types whose ids begin so, with what the server told the frontend about each."""
        found = self.page.evaluate(
            """prefix => JSON.stringify(Object.entries(LiteGraph.registered_node_types)
                .filter(([id]) => id.startsWith(prefix))
                .map(([id, {title, category, nodeData: {description, input, output_name, output_tooltips}}]) =>
                    [id, {title, category, description, input, output_name, output_tooltips}]))""",
            prefix,
        )
        return dict(json.loads(found))

    def nodes(self) -> Counter[str]:
        """How many nodes of each type the open workflow has."""
        return Counter(self.page.evaluate("() => app.graph.nodes.map(node => node.type)"))

    def faulty_nodes(self) -> list[str]:
        """The types of the nodes that ComfyUI does not know or draws in red."""
        return self.page.evaluate(
            """() => app.graph.nodes
                .filter(node => node.has_errors || !(node.type in LiteGraph.registered_node_types))
                .map(node => node.type)"""
        )

    def prompt(self) -> dict[str, Any]:
        """The open workflow as it would go to the queue.

        The oldest frontend also sends what Preview as Text shows. It is no input, and left out.
        """
        text = self.page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")
        prompt = json.loads(text)
        for node in prompt.values():
            if node["class_type"] == "PreviewAny":
                node["inputs"].pop("preview", None)
        return prompt

    def expect_no_complaint(self) -> None:
        """No dialog and no error note stands over the canvas."""
        expect(self.dialog).to_have_count(0)
        expect(self.page.get_by_test_id("error-overlay").filter(visible=True)).to_have_count(0)

    def expect_readable(self, text: str, times: int) -> None:
        """The text stands on the page so many times or more, each time whole."""
        shown = self.page.get_by_text(text).filter(visible=True)
        expect(shown.nth(times - 1)).to_be_visible()
        self.settle()
        cut = shown.evaluate_all(
            """elements => elements
            .filter(element => element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth)
            .map(element => `"${element.textContent}" needs ${element.scrollWidth} x ${element.scrollHeight} pixels`
                + ` and has ${element.clientWidth} x ${element.clientHeight}`)"""
        )
        assert not cut, "\n".join(cut)

    def wait_until(self, predicate: str, argument: Any = None) -> None:
        """Waits until a JavaScript function gives something true."""
        self.page.wait_for_function(f"argument => !!({predicate})(argument)", arg=argument)

    # ------------------------------------------------------------ working

    def set_widget(self, node_type: str, widget: str, value: Any) -> None:
        """Sets a widget of the one node of that type."""
        self.page.evaluate(
            """([type, name, value]) => {
                const node = app.graph.nodes.find(node => node.type === type)
                const widget = node.widgets.find(widget => widget.name === name)
                widget.value = value
                widget.callback?.(value)
            }""",
            [node_type, widget, value],
        )

    def press_run(self) -> None:
        self.page.get_by_role("button", name="Run", exact=True).click()

    def run(self) -> None:
        """Presses Run and waits for the end of the execution, which must be a good one."""
        self.page.evaluate(
            """() => {
                if (window.studioflowEnd === undefined)
                    for (const kind of ['execution_success', 'execution_error', 'execution_interrupted'])
                        app.api.addEventListener(kind, ({detail}) => { window.studioflowEnd = {kind, detail} })
                window.studioflowEnd = null
            }"""
        )
        self.press_run()
        self.wait_until("() => window.studioflowEnd")
        end = self.page.evaluate("() => window.studioflowEnd")
        assert end["kind"] == "execution_success", end["detail"].get("exception_message", end)

    def result_files(self, node_type: str) -> list[dict[str, str]]:
        """What a node that saves pictures has told about them: filename, subfolder and type of each."""
        return self.page.evaluate(
            """type => {
                const node = app.graph.nodes.find(node => node.type === type)
                return app.nodeOutputs[node.id]?.images ?? []
            }""",
            node_type,
        )

    def wait_for_preview(self, node_type: str) -> list[int]:
        """Waits until a node shows a loaded picture; gives its width and height."""
        self.wait_until(
            """type => {
                const node = app.graph.nodes.find(node => node.type === type)
                const images = LiteGraph.vueNodesMode
                    ? document.querySelectorAll(`[data-node-id="${node.id}"] img`) : node.imgs ?? []
                window.studioflowPreview = [...images].find(image => image.complete && image.naturalWidth)
                return window.studioflowPreview
            }""",
            node_type,
        )
        return self.page.evaluate("() => [studioflowPreview.naturalWidth, studioflowPreview.naturalHeight]")

    def expect_error(self, message: str) -> None:
        """A person gets to read this message: in a dialog, or in the panel behind the note's View details."""
        if not self.renderer.vue_nodes:
            expect(self.dialog).to_contain_text(message)
            return
        self.page.get_by_test_id("error-overlay-see-errors").click()
        issues = self.page.get_by_test_id("error-group-execution")
        # The details of a refused input are folded away behind a button, those of a failed run stand open.
        info = issues.get_by_role("button", name="Info")
        expect(info.or_(issues.get_by_text("Error log")).first).to_be_visible()
        if info.count():
            info.click()
        expect(issues.get_by_text(message).filter(visible=True).first).to_be_visible()

    def click_title(self, node_type: str) -> None:
        """Clicks a node's title, which selects the node."""
        x, y = self.page.evaluate(
            """type => {
                const node = app.graph.nodes.find(node => node.type === type)
                const [x, y] = app.canvas.ds.convertOffsetToCanvas([node.pos[0] + node.size[0] / 2, node.pos[1] - 15])
                const {left, top} = app.canvas.canvas.getBoundingClientRect()
                return [left + x, top + y]
            }""",
            node_type,
        )
        self.page.mouse.click(x, y)

    def open_help(self, node_type: str) -> Locator:
        """Selects a node, asks for its help, and gives the panel's text part."""
        self.fit_view()
        self.click_title(node_type)
        self.page.get_by_test_id("info-button").click()
        return self.page.locator(".node-help-content")
