// Images that show their own number: in digits for people, and below them in 16 squares, a bit
// each, for tests, which read it back from what the page shows.

export const kSide = 32;
const kSquare = 4; // Two rows of eight squares, the highest bit first.
const kSquaresTop = 22;
const kDigits = [
  "111101101101111",
  "010110010010111",
  "111001111100111",
  "111001111001111",
  "101101111001001",
  "111100111001111",
  "111100111101111",
  "111001001001001",
  "111101111101111",
  "111101111001111",
];

/** [kSide x kSide] grey levels of image `id`, on a background of the given level. */
export function numberedImage(id, background) {
  const pixels = new Uint8Array(kSide * kSide).fill(background);
  const fill = (left, top, width, height, level) => {
    for (let y = top; y < top + height; ++y) pixels.fill(level, y * kSide + left, y * kSide + left + width);
  };
  [...String(id)].forEach((digit, place) => {
    [...kDigits[digit]].forEach((bit, cell) => {
      if (bit === "1") fill(1 + place * 8 + 2 * (cell % 3), 4 + 3 * Math.floor(cell / 3), 2, 3, 255 - background);
    });
  });
  for (let bit = 0; bit < 16; ++bit) {
    const level = (id >> (15 - bit)) & 1 ? 255 : 0;
    fill((bit % 8) * kSquare, kSquaresTop + kSquare * Math.floor(bit / 8), kSquare, kSquare, level);
  }
  return pixels;
}

/** The bytes of an .npy file: `type` as NumPy writes it, little endian `parts` one after another. */
export function npy(type, shape, parts) {
  const head = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const padded = head.padEnd(64 * Math.ceil((head.length + 11) / 64) - 11) + "\n";
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([start, Buffer.from(padded, "latin1"), ...parts]);
}

/** The bytes of an .npy file of uint8 [N, side, side]. */
export function npyOfImages(images) {
  return npy("|u1", [images.length, kSide, kSide], images);
}

/** Runs in the page: the number that an <img> shows, or null while it is not loaded. */
export function numberShown(image) {
  if (!image.complete || image.naturalWidth === 0) return null;
  const side = 32;
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(image, 0, 0);
  const scale = image.naturalWidth / side;
  let number = 0;
  for (let bit = 0; bit < 16; ++bit) {
    const x = Math.floor(((bit % 8) * 4 + 2) * scale);
    const y = Math.floor((22 + 4 * Math.floor(bit / 8) + 2) * scale);
    number = 2 * number + (drawing.getImageData(x, y, 1, 1).data[0] > 127 ? 1 : 0);
  }
  return number;
}
