// app://highwater/: the renderer's files under an origin of their own, with a policy that lets the page load and call
// nothing else.

import { protocol } from 'electron';
import { pageHeaders, rendererFile } from '../renderer-files.ts';

export const pageOrigin = 'app://highwater';

/** Before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Whether a page, frame or request is our own. */
export function isOurs(url: string): boolean {
  return url === pageOrigin || url.startsWith(`${pageOrigin}/`);
}

export function serveApp(rendererDir: string): void {
  const headers = pageHeaders([]);
  protocol.handle('app', async (request) => {
    const answer = (status: number, text: string) => new Response(text, { status, headers });
    if (!isOurs(request.url)) return answer(404, 'Not found.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'GET only.');
    const file = await rendererFile(rendererDir, request.url);
    if (file === null) return answer(404, 'Not found.');
    return new Response(request.method === 'HEAD' ? null : file.body, {
      headers: { ...headers, 'content-type': file.contentType },
    });
  });
}
