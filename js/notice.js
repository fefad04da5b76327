// Shows what a node says about its result below the node's widgets, e.g. that the weights are stand-ins. ComfyUI's own
// progress text would do in the classic renderer, but Nodes 2.0 does not draw it.
import { app } from "../../scripts/app.js";

const NAME = "studioflow_notice";

app.registerExtension({
  name: "StudioFlow.Notice",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.name.startsWith("StudioFlow")) return;
    const onExecuted = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      show(this, output?.[NAME]?.join("\n") ?? "");
    };
  },
});

function show(node, text) {
  let widget = node.widgets?.find((candidate) => candidate.name === NAME);
  if (!widget && text) {
    widget = addNotice(node);
    node.setSize?.([node.size[0], Math.max(node.size[1], node.computeSize()[1])]);
  }
  if (widget) widget.element.textContent = text;
}

function addNotice(node) {
  const element = document.createElement("div");
  element.style.cssText = "padding: 0 8px; font-size: 12px; line-height: 1.3; white-space: pre-wrap; overflow: hidden; color: #e0b050;";
  // Its own type: a widget of one of ComfyUI's types would be replaced by ComfyUI's in Nodes 2.0.
  const widget = node.addDOMWidget(NAME, "STUDIOFLOW_NOTICE", element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => 56,
    getMaxHeight: () => 56,
  });
  widget.serialize = false;
  return widget;
}
