/** A file system in memory, one for each visitor: folders and files, of which those below the visitor's home can be changed. */
import { posix } from 'node:path';

export const HOME = '/home/guest';

/** Bytes of all files together, and how many files and folders there may be. */
export const BYTES_LIMIT = 1_000_000;
export const ENTRY_LIMIT = 200;
export const PATH_LIMIT = 255;

export type FileErrorCode =
  | 'not there'
  | 'not a folder'
  | 'a folder'
  | 'not allowed'
  | 'already there'
  | 'not empty'
  | 'no space left'
  | 'name too long'
  | 'too much at once';

export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode) {
    super(code);
    this.code = code;
  }
}

export interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  /** Milliseconds since 1970. */
  changedAt: number;
}

export interface FolderNode {
  readonly kind: 'folder';
  readonly entries: Map<string, TreeNode>;
  changedAt: number;
}

export type TreeNode = FileNode | FolderNode;

/** Paths are absolute and in the shortest form, as `resolvePath` makes them. All methods but `find` throw `FileError`. */
export class FileTree {
  readonly #root: FolderNode = newFolder();
  #entries = 0;
  #bytes = 0;

  /** `files`: texts by path, folders before what is in them; those that end with `/` are folders. */
  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(files)) {
      if (path.endsWith('/')) {
        this.#add(path, newFolder());
      } else {
        this.#add(path, { kind: 'file', bytes: Buffer.from(text), changedAt: Date.now() });
        this.#bytes += text.length;
      }
    }
  }

  find(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      if (node?.kind !== 'folder') return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  node(path: string): TreeNode {
    const node = this.find(path);
    if (node === undefined) throw new FileError('not there');
    return node;
  }

  folder(path: string): FolderNode {
    const node = this.node(path);
    if (node.kind !== 'folder') throw new FileError('not a folder');
    return node;
  }

  file(path: string): FileNode {
    const node = this.node(path);
    if (node.kind !== 'file') throw new FileError('a folder');
    return node;
  }

  /** An empty file, or the one that is there, as it is. */
  create(path: string): FileNode {
    this.#assertChangeable(path);
    const found = this.find(path);
    if (found?.kind === 'folder') throw new FileError('a folder');
    if (found !== undefined) return found;
    const made: FileNode = { kind: 'file', bytes: Buffer.alloc(0), changedAt: Date.now() };
    this.#add(path, made);
    return made;
  }

  /** Writes `data` from the byte `at` on; a file that is too short is filled with zeros. */
  write(path: string, at: number, data: Uint8Array): void {
    this.#assertChangeable(path);
    const file = this.file(path);
    const end = at + data.length;
    if (end > file.bytes.length) this.#resize(file, end);
    file.bytes.set(data, at);
    file.changedAt = Date.now();
  }

  truncate(path: string, length: number): void {
    this.#assertChangeable(path);
    this.#resize(this.file(path), length);
  }

  makeFolder(path: string): void {
    this.#assertChangeable(path);
    if (this.find(path) !== undefined) throw new FileError('already there');
    this.#add(path, newFolder());
  }

  /** A file, or an empty folder. */
  remove(path: string): void {
    this.#assertChangeable(path);
    const node = this.node(path);
    if (node.kind === 'folder' && node.entries.size > 0) throw new FileError('not empty');
    if (node.kind === 'file') this.#bytes -= node.bytes.length;
    this.#entries--;
    const { folder, name } = this.#place(path);
    folder.entries.delete(name);
    folder.changedAt = Date.now();
  }

  /** Replaces nothing. */
  rename(from: string, to: string): void {
    this.#assertChangeable(from);
    this.#assertChangeable(to);
    const node = this.node(from);
    if (this.find(to) !== undefined) throw new FileError('already there');
    // A folder cannot go into itself.
    if (to.startsWith(`${from}/`)) throw new FileError('not allowed');
    const target = this.#place(to);
    const source = this.#place(from);
    target.folder.entries.set(target.name, node);
    source.folder.entries.delete(source.name);
  }

  #add(path: string, node: TreeNode): void {
    if (this.#entries >= ENTRY_LIMIT) throw new FileError('no space left');
    const { folder, name } = this.#place(path);
    folder.entries.set(name, node);
    folder.changedAt = Date.now();
    this.#entries++;
  }

  #resize(file: FileNode, length: number): void {
    const more = length - file.bytes.length;
    if (this.#bytes + more > BYTES_LIMIT) throw new FileError('no space left');
    const bytes = Buffer.alloc(length);
    file.bytes.copy(bytes);
    file.bytes = bytes;
    this.#bytes += more;
  }

  #assertChangeable(path: string): void {
    if (path.length > PATH_LIMIT) throw new FileError('name too long');
    if (!path.startsWith(`${HOME}/`)) throw new FileError('not allowed');
  }

  /** The folder a path lies in, which has to be there. */
  #place(path: string): { folder: FolderNode; name: string } {
    const names = path.split('/').filter(Boolean);
    const name = names.pop();
    if (name === undefined) throw new FileError('not allowed');
    let folder = this.#root;
    for (const each of names) {
      const next = folder.entries.get(each);
      if (next === undefined) throw new FileError('not there');
      if (next.kind !== 'folder') throw new FileError('not a folder');
      folder = next;
    }
    return { folder, name };
  }
}

/** An absolute path without `.`, `..` and doubled slashes. */
export function resolvePath(from: string, path: string): string {
  const home = path === '~' || path.startsWith('~/') ? HOME + path.slice(1) : path;
  return posix.resolve(from, home);
}

function newFolder(): FolderNode {
  return { kind: 'folder', entries: new Map(), changedAt: Date.now() };
}
