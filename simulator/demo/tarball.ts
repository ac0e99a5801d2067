/**
 * Packs a folder into a `.tar.gz`, with Node alone: the demo must run where no `tar` is installed, and Node's library
 * compresses but does not pack. The same files give the same bytes of tar: sorted, without owners and times.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const BLOCK = 512;
/** What the name field of a ustar header holds. */
const LONGEST_NAME = 100;

/** @throws Error when a path within the folder is longer than 100 bytes. */
export function tarball(folder: string): Buffer {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const members = paths.flatMap((path) => {
    const content = readFileSync(path);
    // Windows has no such bit: there, every file counts as executable.
    const mode = statSync(path).mode & 0o100 || process.platform === 'win32' ? 0o755 : 0o644;
    const name = relative(folder, path).split(sep).join('/');
    return [header(name, content.length, mode), content, Buffer.alloc(-content.length & (BLOCK - 1))];
  });
  return gzipSync(Buffer.concat([...members, Buffer.alloc(2 * BLOCK)]), { level: 9 });
}

/** POSIX ustar: fixed fields of text, numbers in octal, a checksum over all of it. */
function header(name: string, size: number, mode: number): Buffer {
  if (Buffer.byteLength(name) > LONGEST_NAME) throw new Error(`${name} is too long for a ustar header.`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8); // owner
  octal(0, 116, 8); // group
  octal(size, 124, 12);
  octal(0, 136, 12); // time
  block.write(' '.repeat(8), 148);
  block.write('0', 156); // a file
  block.write('ustar\x0000', 257);
  // The checksum counts its own field as spaces.
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}
