// Photos that are on their way, from what the browser itself has: as `ui.py` and `layout.py` draw them
// when they have arrived, so that nothing moves then.

const MAX_WIDTH_PX = 480;
const MAX_HEIGHT_PX = 480;
const MIN_WIDTH_PX = 160;
const ALONE = [0.5, 2.2];
const IN_ROWS = [0.65, 1.8];
const MAX_IN_ROW = 4;
const ROW_HEIGHT = 0.42;
const TOTAL_HEIGHT = 1.25;

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
const ratioOf = ({ width, height }, [least, most]) => Math.min(Math.max(width / Math.max(height, 1), least), most);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** What a message shows until the server has drawn it: `pictures` are of its photos, in their order. */
export function draw({ photos, caption }, pictures) {
  const tile = (at, style) =>
    element("button", { type: "button", disabled: "", style }, element("img", { src: pictures[at].src, alt: photos[at].alt ?? "" }));
  const shown = pictures.length === 1 ? alone(pictures[0], tile) : album(pictures, tile);
  return [shown, ...(caption ? [element("span", { class: "caption", "data-caption-below": "" }, caption)] : [])];
}

function alone(picture, tile) {
  const ratio = ratioOf(picture, ALONE);
  const width = Math.max(Math.min(MAX_WIDTH_PX, picture.width, MAX_HEIGHT_PX * ratio), MIN_WIDTH_PX);
  return element("div", { class: "pictures", style: `width:${width.toFixed()}px` }, tile(0, `aspect-ratio:${ratio.toFixed(4)}`));
}

function album(pictures, tile) {
  const ratios = pictures.map((picture) => ratioOf(picture, IN_ROWS));
  const rows = arrange(ratios).map((row) => {
    const together = sum(row.map((at) => ratios[at]));
    const style = `aspect-ratio:${together.toFixed(4)}`;
    return element("div", { class: "row", style }, ...row.map((at) => tile(at, `flex:${ratios[at].toFixed(4)}`)));
  });
  return element("div", { class: "pictures", style: `width:${MAX_WIDTH_PX}px` }, ...rows);
}

/** The places of the photos row by row, as `layout.arrange` puts them. */
export function arrange(ratios) {
  let best = [];
  let least = Infinity;
  for (const counts of partitions(ratios.length)) {
    const ugly = ugliness(ratios, counts);
    if (ugly < least) [best, least] = [counts, ugly];
  }
  let start = 0;
  return best.map((count) => Array.from({ length: count }, () => start++));
}

function* partitions(count) {
  if (!count) yield [];
  for (let first = 1; first <= Math.min(count, MAX_IN_ROW); first++) {
    for (const rest of partitions(count - first)) yield [first, ...rest];
  }
}

function ugliness(ratios, counts) {
  let start = 0;
  const heights = counts.map((count) => 1 / sum(ratios.slice(start, (start += count))));
  const off = sum(heights.map((height) => Math.log(height / ROW_HEIGHT) ** 2));
  return off / counts.length + Math.max(0, sum(heights) - TOTAL_HEIGHT);
}
