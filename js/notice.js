// Shows what a node says about its result below the node's widgets, e.g. that the weights are stand-ins, or how two
// shots differ. ComfyUI's own progress text would do in the classic renderer, but Nodes 2.0 does not draw it.
import { app } from "../../scripts/app.js";

const NAME = "studioflow_notice";
const LINE = 16;
const MARGIN = 24; // what ComfyUI leaves free around an element, and a little air
const TALLEST = 16; // lines; a longer text scrolls

app.registerExtension({
  name: "StudioFlow.Notice",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.name.startsWith("StudioFlow")) return;
    const onExecuted = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      // A node that runs for each item of a list says the same again and again.
      show(this, [...new Set(output?.[NAME])].join("\n"));
    };
  },
});

function show(node, text) {
  let widget = node.widgets?.find((candidate) => candidate.name === NAME);
  if (!widget && text) widget = addNotice(node);
  if (!widget) return;
  const before = node.computeSize()[1];
  widget.element.textContent = text;
  const after = node.computeSize()[1];
  // The node grows and shrinks with the text, from the size that a person gave it.
  node.setSize?.([node.size[0], Math.max(after, node.size[1] + after - before)]);
}

function addNotice(node) {
  const element = document.createElement("div");
  element.style.cssText = `padding: 0 8px; font-size: 12px; line-height: ${LINE}px; white-space: pre-wrap; overflow: auto; user-select: text; color: #e0b050;`;
  const height = () => element.textContent ? Math.min(TALLEST, Math.max(2, lines(element.textContent, node.size[0]))) * LINE + MARGIN : 0;
  // Its own type: a widget of one of ComfyUI's types would be replaced by ComfyUI's in Nodes 2.0.
  const widget = node.addDOMWidget(NAME, "STUDIOFLOW_NOTICE", element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: height,
    getMaxHeight: height,
  });
  widget.serialize = false;
  return widget;
}

// About as many as the text takes at that width; counted and not measured, for it may not be on the page yet.
function lines(text, width) {
  const letters = Math.max(20, (width - 40) / 6.5);
  return text.split("\n").reduce((sum, line) => sum + wrapped(line, letters), 0);
}

// As browsers wrap: between words, and within one that is longer than a line.
function wrapped(line, letters) {
  let count = 1;
  let used = 0;
  for (const word of line.match(/\s*[^\s\u1100-\uffdc]+|\s*[\u1100-\uffdc]|\s+$/g) ?? []) {
    const width = word.length + (/[\u1100-\uffdc]/.test(word) ? 1 : 0); // Chinese, Japanese, Korean are twice as wide
    if (used && used + width > letters) {
      count += 1;
      used = 0;
    }
    used += width;
    while (used > letters) {
      count += 1;
      used -= letters;
    }
  }
  return count;
}
