// The texts that ComfyUI's canvas needs, out of the metadata of EXR, TIFF and JPEG files. Reads slices of the file and
// never its pixels. Sources: OpenEXR file layout; TIFF 6.0 and BigTIFF; XMP part 3; ITU-T T.81 annex B.

const LONGEST_TEXT = 64 << 20;
const MOST_ENTRIES = 4096;
const OURS = "urn:studioflow:xmp:1.0/";
const NOTE = "http://ns.adobe.com/xmp/note/";
const PACKET = "http://ns.adobe.com/xap/1.0/\0";
const EXTENSION = "http://ns.adobe.com/xmp/extension/\0";
const DIGEST_LENGTH = 32;

/** ComfyUI's texts in a file, as {workflow, prompt}; what is not there is missing. Throws on a damaged file. */
export async function comfyTexts(file) {
  const head = new DataView(await bytes(file, 0, Math.min(16, file.size)));
  if (head.byteLength < 16) return {};
  const start = head.getUint32(0);
  if (start === 0x762f3101) return ofExr(file);
  if ([0x49492a00, 0x4d4d002a, 0x49492b00, 0x4d4d002b].includes(start)) return ofXmp(await tiffPacket(file, head));
  if (start >>> 8 === 0xffd8ff) return ofJpeg(file);
  return {};
}

async function bytes(file, at, count) {
  if (!(at >= 0 && count >= 0 && count <= LONGEST_TEXT && at + count <= file.size)) throw new Error("the file is cut off");
  return file.slice(at, at + count).arrayBuffer();
}

const ascii = (data) => new TextDecoder("latin1").decode(data);

// ---------------------------------------------------------------- EXR

/** String attributes of the first part: name, type (both end with 0), size and value, until an empty name. */
async function ofExr(file) {
  const texts = {};
  for (let at = 8, count = 0; count < MOST_ENTRIES; count++) {
    const head = new Uint8Array(await bytes(file, at, Math.min(520, file.size - at)));
    const name = head.indexOf(0);
    if (name === 0) return texts;
    const type = head.indexOf(0, name + 1);
    if (name < 0 || type < 0 || type + 5 > head.length) throw new Error("the header is damaged");
    const size = new DataView(head.buffer).getUint32(type + 1, true);
    const key = ascii(head.subarray(0, name));
    const isText = ascii(head.subarray(name + 1, type)) === "string";
    at += type + 5;
    if (isText && (key === "workflow" || key === "prompt")) texts[key] = new TextDecoder().decode(await bytes(file, at, size));
    at += size;
  }
  return texts;
}

// ---------------------------------------------------------------- XMP

/** The XMP packet (tag 700) of the first page. */
async function tiffPacket(file, head) {
  const little = head.getUint16(0) === 0x4949;
  const big = head.getUint16(2, little) === 43;
  const [countSize, entrySize, wordSize] = big ? [8, 20, 8] : [2, 12, 4];
  const word = (view, at) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const page = word(head, big ? 8 : 4);
  const start = new DataView(await bytes(file, page, countSize));
  const count = big ? word(start, 0) : start.getUint16(0, little);
  if (count > MOST_ENTRIES) throw new Error("the tags are damaged");
  const tags = new DataView(await bytes(file, page + countSize, count * entrySize));
  for (let at = 0; at < tags.byteLength; at += entrySize)
    if (tags.getUint16(at, little) === 700)
      return utf8(await bytes(file, word(tags, at + 4 + wordSize), word(tags, at + 4)));
  return "";
}

/** Segments until the pixels begin; extended XMP is there where the packet says so. */
async function ofJpeg(file) {
  let packet = "";
  const pieces = [];
  for (let at = 2, count = 0; count < MOST_ENTRIES; count++) {
    const head = new DataView(await bytes(file, at, 4));
    if (head.getUint8(0) !== 0xff) throw new Error("the segments are damaged");
    const [marker, size] = [head.getUint8(1), head.getUint16(2)];
    if (marker === 0xda || marker === 0xd9) break;
    if (marker === 0xff) {
      at += 1; // any marker may have such bytes before it
      continue;
    }
    if (marker === 0xe1) {
      const data = await bytes(file, at + 4, size - 2);
      const begin = ascii(data.slice(0, EXTENSION.length));
      if (begin.startsWith(PACKET)) packet = utf8(data.slice(PACKET.length));
      else if (begin === EXTENSION) pieces.push(piece(data));
    }
    at += 2 + size;
  }
  return { ...ofXmp(extended(pieces, property(parsed(packet), NOTE, "HasExtendedXMP"))), ...ofXmp(packet) };
}

function piece(data) {
  const at = EXTENSION.length + DIGEST_LENGTH;
  const offset = new DataView(data).getUint32(at + 4);
  return { digest: ascii(data.slice(EXTENSION.length, at)), offset, data: data.slice(at + 8) };
}

function extended(pieces, digest) {
  const ours = pieces.filter((one) => digest && one.digest === digest).sort((a, b) => a.offset - b.offset);
  const whole = ours.reduce((size, one) => (size === one.offset ? size + one.data.byteLength : NaN), 0);
  if (Number.isNaN(whole)) throw new Error("a part of the extended XMP is missing");
  return utf8(join(ours.map((one) => one.data)));
}

function join(buffers) {
  const whole = new Uint8Array(buffers.reduce((size, one) => size + one.byteLength, 0));
  buffers.reduce((at, one) => (whole.set(new Uint8Array(one), at), at + one.byteLength), 0);
  return whole;
}

const utf8 = (data) => new TextDecoder().decode(data).replace(/\0+$/, "");

/** The packet as a document; null where there is none, or one that declares entities. */
function parsed(packet) {
  if (!packet || packet.includes("<!DOCTYPE")) return null;
  return new DOMParser().parseFromString(packet, "application/xml");
}

/** A simple property, as an element or as an attribute. */
function property(document, namespace, name) {
  const element = document?.getElementsByTagNameNS(namespace, name)[0];
  if (element) return element.textContent.trim();
  const holders = [...(document?.getElementsByTagNameNS("*", "Description") ?? [])];
  return holders.map((one) => one.getAttributeNS(namespace, name)).find((text) => text) ?? "";
}

function ofXmp(packet) {
  const document = parsed(packet);
  const found = ["workflow", "prompt"].map((name) => [name, property(document, OURS, name)]);
  return Object.fromEntries(found.filter(([, text]) => text));
}
