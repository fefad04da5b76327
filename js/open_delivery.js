// EXR, TIFF and JPEG files dropped on the canvas, or opened with Workflow > Open, restore the workflow in them, as PNG
// does. The frontend gets the workflow as the .json file that it knows how to open; whatever has none, it gets as it is.

import { app } from "../../scripts/app.js";
import { comfyTexts } from "./metadata.mjs";

const SUFFIXES = [".exr", ".tif", ".tiff", ".jpg", ".jpeg"];

app.registerExtension({
  name: "StudioFlow.OpenDelivery",
  setup() {
    const open = app.handleFile;
    app.handleFile = async function (file, ...rest) {
      return open.call(this, (await asJson(file)) ?? file, ...rest);
    };
    const chooser = document.getElementById("comfy-file-input");
    if (chooser?.accept) chooser.accept = [chooser.accept, ...SUFFIXES].join(",");
  },
});

/** The workflow in a file, or else its prompt, as a .json file of the same name; null where there is neither. */
async function asJson(file) {
  try {
    const texts = await comfyTexts(file);
    const text = [texts.workflow, texts.prompt].find(isGraph);
    return text ? new File([text], file.name.replace(/\.\w+$/, ".json"), { type: "application/json" }) : null;
  } catch (error) {
    console.warn(`StudioFlow: the metadata of ${file.name} cannot be read: ${error.message}`);
    return null;
  }
}

function isGraph(text) {
  try {
    const graph = JSON.parse(text);
    return typeof graph === "object" && graph !== null && Object.keys(graph).length > 0;
  } catch {
    return false;
  }
}
