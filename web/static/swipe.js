/* A row pushed to the left shows what one does most: one thumb is enough. The buttons come from the server, which knows
   what is allowed now; without a touch screen nothing of this is there. */
'use strict';
(() => {
  const FAR = 60;       // px to push until it counts
  const STEEP = 1.2;    // more sideways than up or down
  let start = null;
  const shut = (except) => document.querySelectorAll('.row-item.pushed').forEach((item) => {
    if (item !== except) { item.classList.remove('pushed'); item.querySelector('.quick')?.remove(); }
  });
  const push = async (item) => {
    shut(item);
    const row = item.querySelector('a.row');
    const answer = await fetch(`${row.pathname}/quick`).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    item.querySelector('.quick')?.remove();
    item.insertAdjacentHTML('beforeend', await answer.text());
    item.classList.add('pushed');
    window.htmx.process(item);
  };
  document.addEventListener('touchstart', (event) => {
    const item = event.target.closest('.row-item');
    start = item && event.touches.length === 1 && !event.target.closest('.quick') ? { item, x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
    if (!item) shut(null);
  }, { passive: true });
  document.addEventListener('touchend', (event) => {
    if (!start) return;
    const { clientX, clientY } = event.changedTouches[0];
    const [dx, dy] = [clientX - start.x, clientY - start.y];
    if (Math.abs(dx) > FAR && Math.abs(dx) > STEEP * Math.abs(dy)) {
      if (dx < 0) push(start.item); else shut(null);
    }
    start = null;
  }, { passive: true });
})();
