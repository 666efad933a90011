/**
 * SFTP over a visitor's tree of files: the requests of version 3 that clients send. Links, permissions and times are not kept.
 * The numbers and names are those of draft-ietf-secsh-filexfer-02.
 */
import { posix } from 'node:path';
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from 'ssh2';
import type { Backlog } from './backlog.ts';
import {
  FileError,
  type FileErrorCode,
  type FileTree,
  HOME,
  PATH_LIMIT,
  resolvePath,
  type TreeNode,
} from './file-tree.ts';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** Files and folders open at a time. */
const HANDLE_LIMIT = 32;

/**
 * Bytes answered and not taken, above which nothing more is read from files, and above which the connection ends. A client
 * that works asks for 2 MB at a time.
 */
const READ_BACKLOG_LIMIT = 4_194_304;
const BACKLOG_LIMIT = 2 * READ_BACKLOG_LIMIT;

/** An answer without what was read. */
const ANSWER_BYTES = 100;

/** Bytes of one answer, and entries. */
const READ_LIMIT = 65_536;
const NAMES_LIMIT = 100;

type Handle =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number }
  | { readonly kind: 'folder'; readonly left: FileEntry[] };

const STATUS: Readonly<Record<FileErrorCode, number>> = {
  'not there': STATUS_CODE.NO_SUCH_FILE,
  'not a folder': STATUS_CODE.NO_SUCH_FILE,
  'a folder': STATUS_CODE.FAILURE,
  'not allowed': STATUS_CODE.PERMISSION_DENIED,
  'already there': STATUS_CODE.FAILURE,
  'not empty': STATUS_CODE.FAILURE,
  'no space left': STATUS_CODE.FAILURE,
  'name too long': STATUS_CODE.FAILURE,
  'too much at once': STATUS_CODE.FAILURE,
};

/** Answers every request on `sftp` from `files`. */
export function serveSftp(sftp: SFTPWrapper, files: FileTree, backlog: Backlog): void {
  const handles = new Map<number, Handle>();
  let serial = 0;

  /** Does what a request asks for; says why where it cannot. */
  const attempt = (id: number, act: () => void): void => {
    backlog.add(ANSWER_BYTES);
    if (backlog.bytes > BACKLOG_LIMIT) {
      backlog.cut();
      return;
    }
    try {
      act();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      sftp.status(id, STATUS[error.code], error.message);
    }
  };
  const done = (id: number): void => sftp.status(id, STATUS_CODE.OK);
  const open = (id: number, handle: Handle): void => {
    if (handles.size >= HANDLE_LIMIT) {
      sftp.status(id, STATUS_CODE.FAILURE, 'too many open files');
      return;
    }
    const number = ++serial;
    handles.set(number, handle);
    const name = Buffer.alloc(4);
    name.writeUInt32BE(number);
    sftp.handle(id, name);
  };
  /** A handle of that kind, from its name. */
  const handleOf = <K extends Handle['kind']>(
    name: Buffer,
    kind: K,
  ): Extract<Handle, { kind: K }> => {
    const handle = name.length === 4 ? handles.get(name.readUInt32BE(0)) : undefined;
    if (handle?.kind !== kind) throw new FileError('not there');
    return handle as Extract<Handle, { kind: K }>;
  };
  const stat = (id: number, path: string): void =>
    attempt(id, () => sftp.attrs(id, attributes(files.node(absolute(path)))));

  // A client that has nothing more to say waits for the channel to be closed.
  sftp.on('end', () => sftp.end());
  // The library goes on reading what follows a malformed request, and stumbles.
  sftp.on('error', () => backlog.cut());
  sftp.on('REALPATH', (id, path) =>
    attempt(id, () => {
      const full = absolute(path);
      if (full.length > PATH_LIMIT) throw new FileError('name too long');
      sftp.name(id, [{ filename: full, longname: full, attrs: NO_ATTRIBUTES }]);
    }),
  );
  sftp.on('STAT', stat);
  sftp.on('LSTAT', stat);
  sftp.on('FSTAT', (id, name) =>
    attempt(id, () => sftp.attrs(id, attributes(files.file(handleOf(name, 'file').path)))),
  );
  sftp.on('SETSTAT', (id, path, { size }) =>
    attempt(id, () => {
      if (size !== undefined) files.truncate(absolute(path), size);
      else files.node(absolute(path));
      done(id);
    }),
  );
  sftp.on('FSETSTAT', (id, name, { size }) =>
    attempt(id, () => {
      const { path } = handleOf(name, 'file');
      if (size !== undefined) files.truncate(path, size);
      done(id);
    }),
  );
  sftp.on('OPENDIR', (id, path) =>
    attempt(id, () => open(id, { kind: 'folder', left: entriesOf(files, absolute(path)) })),
  );
  sftp.on('READDIR', (id, name) =>
    attempt(id, () => {
      const some = handleOf(name, 'folder').left.splice(0, NAMES_LIMIT);
      backlog.add(some.length * ANSWER_BYTES);
      if (some.length > 0) sftp.name(id, some);
      else sftp.status(id, STATUS_CODE.EOF);
    }),
  );
  sftp.on('OPEN', (id, path, mode) =>
    attempt(id, () => {
      const full = absolute(path);
      const writes = (mode & OPEN_MODE.WRITE) !== 0;
      if (writes) prepare(files, full, mode);
      else files.file(full);
      open(id, { kind: 'file', path: full, mode });
    }),
  );
  sftp.on('READ', (id, name, at, length) =>
    attempt(id, () => {
      const { bytes } = files.file(handleOf(name, 'file').path);
      const data = bytes.subarray(at, at + Math.min(length, READ_LIMIT));
      if (data.length === 0) {
        sftp.status(id, STATUS_CODE.EOF);
        return;
      }
      if (backlog.bytes + data.length > READ_BACKLOG_LIMIT) throw new FileError('too much at once');
      backlog.add(data.length);
      sftp.data(id, data);
    }),
  );
  sftp.on('WRITE', (id, name, at, data) =>
    attempt(id, () => {
      const { path, mode } = handleOf(name, 'file');
      if ((mode & OPEN_MODE.WRITE) === 0) throw new FileError('not allowed');
      const end = (mode & OPEN_MODE.APPEND) !== 0;
      files.write(path, end ? files.file(path).bytes.length : at, data);
      done(id);
    }),
  );
  sftp.on('CLOSE', (id, name) =>
    attempt(id, () => {
      const known = name.length === 4 && handles.delete(name.readUInt32BE(0));
      if (!known) throw new FileError('not there');
      done(id);
    }),
  );
  sftp.on('REMOVE', (id, path) =>
    attempt(id, () => {
      files.file(absolute(path));
      files.remove(absolute(path));
      done(id);
    }),
  );
  sftp.on('RMDIR', (id, path) =>
    attempt(id, () => {
      files.folder(absolute(path));
      files.remove(absolute(path));
      done(id);
    }),
  );
  sftp.on('MKDIR', (id, path) =>
    attempt(id, () => {
      files.makeFolder(absolute(path));
      done(id);
    }),
  );
  sftp.on('RENAME', (id, from, to) =>
    attempt(id, () => {
      files.rename(absolute(from), absolute(to));
      done(id);
    }),
  );
}

function absolute(path: string): string {
  return resolvePath(HOME, path);
}

/** The file a client wants to write to, as its flags want it. */
function prepare(files: FileTree, path: string, mode: number): void {
  const found = files.find(path) !== undefined;
  if (found && (mode & OPEN_MODE.EXCL) !== 0) throw new FileError('already there');
  if (!found && (mode & OPEN_MODE.CREAT) === 0) throw new FileError('not there');
  files.create(path);
  if ((mode & OPEN_MODE.TRUNC) !== 0) files.truncate(path, 0);
}

function entriesOf(files: FileTree, path: string): FileEntry[] {
  const folder = files.folder(path);
  const parent = files.folder(posix.dirname(path));
  const all: [string, TreeNode][] = [['.', folder], ['..', parent], ...folder.entries];
  return all.map(([filename, node]) => ({
    filename,
    longname: longName(filename, node),
    attrs: attributes(node),
  }));
}

const NO_ATTRIBUTES: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

/** What `ls -l` shows of it: type and permissions of a folder and of a file. */
const FOLDER_MODE = 0o040755;
const FILE_MODE = 0o100644;

function attributes(node: TreeNode): Attributes {
  const time = Math.floor(node.changedAt / 1000);
  return {
    mode: node.kind === 'folder' ? FOLDER_MODE : FILE_MODE,
    uid: 1000,
    gid: 1000,
    size: node.kind === 'folder' ? node.entries.size : node.bytes.length,
    atime: time,
    mtime: time,
  };
}

function longName(name: string, node: TreeNode): string {
  const size = String(node.kind === 'folder' ? node.entries.size : node.bytes.length).padStart(8);
  const time = new Date(node.changedAt).toISOString().slice(0, 10);
  return `${node.kind === 'folder' ? 'drwxr-xr-x' : '-rw-r--r--'} 1 guest guest ${size} ${time} ${name}`;
}
