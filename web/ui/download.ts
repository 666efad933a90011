/** Hands bytes of the page's to the browser as a file to keep. */

/** The browser reads the file only once the user has agreed to keep it, where it asks (Safari), in milliseconds. */
const KEPT_MILLIS = 60_000;

/** Saved without a type of its own: a blob of type text/html would open with the page's origin. */
export function download(content: Uint8Array<ArrayBuffer> | Blob | string, fileName: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MILLIS);
}
