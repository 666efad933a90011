/** Hands the user a file to keep. */

/** `blob` becomes a download called `name`, whatever type it claims to have: nothing of it opens with the page's origin. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
