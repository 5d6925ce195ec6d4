/** About the width in px, in the size of the sequence diagram's text. @type {(text: string) => number} */
export function widthOf(text) {
  let width = 0;
  for (const character of text) width += character > '\u2e80' ? 11.5 : /[A-Z_]/.test(character) ? 7.5 : 6.8;
  return width;
}

/** @type {(text: string, room: number) => string} */
function cut(text, room) {
  if (widthOf(text) <= room) return text;
  const characters = [...text];
  while (characters.length > 0 && widthOf(`${characters.join('')}…`) > room) characters.pop();
  return `${characters.join('')}…`;
}

/**
 * A text in one line of `room` px, or in two: broken at the last blank or Chinese comma or colon that leaves a first line
 * that fits. Each line is cut to the room.
 * @type {(text: string, room: number) => string[]}
 */
export function linesOf(text, room) {
  if (widthOf(text) <= room) return [text];
  const breaks = [...text.matchAll(/ |(?<=[：，])/g)].map(({ index }) => index);
  const at = breaks.findLast((index) => index > 0 && widthOf(text.slice(0, index)) <= room);
  return at === undefined ? [cut(text, room)] : [text.slice(0, at), cut(text.slice(at).trim(), room)];
}
