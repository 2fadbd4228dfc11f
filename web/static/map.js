/* A person's cases on their grids (Leaflet). Colours come from the page's own tokens. */
'use strict';
(() => {
  const box = document.getElementById('big-map');
  if (!box || typeof L === 'undefined') return;
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const wait = document.getElementById('map-wait');
  const say = (words) => { document.getElementById('map-say').textContent = words; };
  const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const line = (words, className = '') => {
    const span = document.createElement('span');
    span.textContent = words;
    span.className = className;
    return span;
  };
  const popup = (of) => {
    const link = document.createElement('a');
    link.href = of.href;
    link.className = 'map-case';
    link.append(line(of.title, 'map-case-title'), line([of.state, of.due].filter(Boolean).join(' · '), 'soft'));
    return link;
  };
  const pin = (of, at) => {
    const colour = of.card === 'red' ? '--red' : of.card === 'yellow' ? '--yellow' : '--accent';
    const marker = L.circleMarker(at, { radius: of.urgent ? 11 : 9, weight: 2, color: token('--paper'), fillColor: token(colour), fillOpacity: 1 });
    return marker.bindPopup(() => popup(of), { minWidth: 220, maxWidth: 280 });
  };
  const draw = ({ grids, cases }) => {
    wait.remove();
    const map = L.map(box, { attributionControl: false, zoomControl: false, zoomAnimation: !calm, fadeAnimation: !calm, maxZoom: 19, minZoom: 8 });
    L.control.zoom({ position: 'topright', zoomInTitle: '放大', zoomOutTitle: '缩小' }).addTo(map);
    const ground = L.geoJSON(grids, {
      style: { color: token('--line-strong'), weight: 1.2, fillColor: token('--accent-wash'), fillOpacity: 0.55 },
      onEachFeature: (feature, layer) => layer.bindTooltip(feature.properties.name, { direction: 'center', className: 'map-name' }),
    }).addTo(map);
    const points = L.geoJSON(cases, { pointToLayer: (feature, at) => pin(feature.properties, at) }).addTo(map);
    const whole = cases.features.length > 1 ? points.getBounds().pad(0.25) : ground.getBounds().isValid() ? ground.getBounds() : points.getBounds();
    if (whole.isValid()) map.fitBounds(whole, { maxZoom: 16 }); else map.setView([36, 117], 12);
    document.getElementById('map-here').addEventListener('click', () => {
      say('正在定位…');
      map.locate({ setView: true, maxZoom: 17, enableHighAccuracy: true, timeout: 10000 });
    });
    let me = null;
    map.on('locationfound', (event) => {
      say(`误差约 ${Math.round(event.accuracy)} 米`);
      if (me) me.remove();
      me = L.circleMarker(event.latlng, { radius: 7, weight: 3, color: token('--ink'), fillColor: token('--paper'), fillOpacity: 1 }).addTo(map);
    });
    map.on('locationerror', () => say('没有定到位置'));
  };
  fetch(box.dataset.map, { headers: { Accept: 'application/json' } })
    .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
    .then(draw)
    .catch(() => { wait.textContent = '地图没有取到，请刷新再试；工单都在列表里。'; });
})();
