/* Keeps the looks of the console and one page without anybody's data for times without a network. Pages about cases,
   photos and voices are never kept. `KNOWN`, written above by the server, changes with every file that is kept. */
'use strict';
const CACHE = `wanggetong-${KNOWN.version}`;
importScripts(KNOWN.outbox);

// Nobody is logged in for what is kept: no page with a name or a message on it gets in here.
const fetched = (address) => fetch(new Request(address, { credentials: 'omit', cache: 'reload' }));
self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await Promise.all([KNOWN.page, ...KNOWN.files].map(async (address) => {
      const answer = await fetched(address);
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      await cache.put(address, answer);
    }));
    await self.skipWaiting();
  })());
});
self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith('wanggetong-') && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

const orOffline = async (request) => {
  try {
    return await fetch(request);
  } catch (fault) {
    const kept = await caches.match(KNOWN.page);
    if (kept) return kept;
    throw fault;
  }
};
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && pathname.startsWith('/console/')) event.respondWith(orOffline(request));
  else if (KNOWN.files.includes(pathname + search)) event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
});

// ---- what waits goes when the network is back, even if no page is open ----------------------------------------
self.addEventListener('sync', (event) => {
  if (event.tag !== 'unsent') return;
  event.waitUntil(self.wanggetongOutbox.flush().then(({ left }) => { if (left) throw new Error('still waiting'); }));
});
